import { AppError, type ErrorCode } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';

type Limit = {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** What it means that the time is over. */
  readonly code: ErrorCode;
};

/**
 * Runs `work` under a signal that falls with the caller's, or when the time is over. Rejects at once then, whatever
 * `work` is still waiting for: a name lookup cannot be told to stop.
 */
export async function withinLimit<T>(
  { clock, timeoutMs, code, signal }: Signalled & Limit,
  work: (limit: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const passOn = (): void => limit.abort(signal.reason);
  signal.addEventListener('abort', passOn, { once: true });
  clock.sleep(timeoutMs, { signal: limit.signal }).then(
    () => limit.abort(new AppError(code, `No answer within ${timeoutMs / 1000} s.`)),
    // The work ended first and took the timer with it.
    () => undefined,
  );
  try {
    return await new Promise<T>((resolve, reject) => {
      limit.signal.addEventListener('abort', () => reject(limit.signal.reason as Error), { once: true });
      work(limit.signal).then(resolve, reject);
    });
  } finally {
    signal.removeEventListener('abort', passOn);
    limit.abort(new Error('The work is over.'));
  }
}
