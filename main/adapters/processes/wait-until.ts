import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';

/**
 * Looks again every few milliseconds until `look` finds something: /proc and pid files send no events.
 * Answers null when the deadline passes, so that the caller can say what was still missing.
 */
export async function waitUntil<T>(
  look: () => T | null | Promise<T | null>,
  { clock, timeoutMs, everyMs = 4, signal }: Signalled & { clock: Clock; timeoutMs: number; everyMs?: number },
): Promise<T | null> {
  const deadline = clock.monotonicMs() + timeoutMs;
  for (;;) {
    signal.throwIfAborted();
    const found = await look();
    if (found !== null) return found;
    if (clock.monotonicMs() >= deadline) return null;
    await clock.sleep(everyMs, { signal });
  }
}
