import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';

const tickMs = 500;
/** A disk that is plugged in is several events: they become one look. */
const burstMs = 20;

/** Rings every half second by itself, or when it is rung, but not twice within one burst; at once when all is closed. */
export function createBell(clock: Clock, closed: AbortSignal): { ring(): void; next(): Promise<void> } {
  let isRung = false;
  let lastMs = Number.NEGATIVE_INFINITY;
  let onRing = (): void => undefined;
  /** Resolves after `ms`, or when it is cut short. */
  const sleep = async (ms: number, nap: AbortController): Promise<void> => {
    const cut = () => {
      nap.abort(closed.reason);
    };
    closed.addEventListener('abort', cut, { once: true });
    try {
      await clock.sleep(ms, { signal: nap.signal });
    } catch (error) {
      if (!nap.signal.aborted) throw error;
    } finally {
      closed.removeEventListener('abort', cut);
    }
  };
  return {
    ring: () => {
      isRung = true;
      onRing();
    },
    next: async () => {
      const nap = new AbortController();
      onRing = () => {
        nap.abort(new AppError('CANCELLED'));
      };
      if (!isRung && !closed.aborted) await sleep(tickMs, nap);
      onRing = () => undefined;
      const restMs = lastMs + burstMs - clock.monotonicMs();
      if (restMs > 0 && !closed.aborted) await sleep(restMs, new AbortController());
      isRung = false;
      lastMs = clock.monotonicMs();
    },
  };
}
