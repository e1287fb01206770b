import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';

export type Alarm = {
  /** Ends the nap, or the next one at once. */
  ring(): void;
  /** Until the time is over, or it rings. Rejects with the reason of the signal. */
  nap(ms: number, options: Signalled): Promise<void>;
};

export function createAlarm(clock: Clock): Alarm {
  let isRung = false;
  let wake = (): void => undefined;
  return {
    ring: () => {
      isRung = true;
      wake();
    },
    nap: async (ms, { signal }) => {
      signal.throwIfAborted();
      const rest = new AbortController();
      wake = () => {
        rest.abort(new AppError('CANCELLED'));
      };
      const stop = (): void => {
        rest.abort(signal.reason);
      };
      signal.addEventListener('abort', stop, { once: true });
      try {
        if (!isRung) await clock.sleep(ms, { signal: rest.signal });
      } catch (error) {
        if (!rest.signal.aborted) throw error;
      } finally {
        signal.removeEventListener('abort', stop);
        wake = () => undefined;
        isRung = false;
      }
      signal.throwIfAborted();
    },
  };
}
