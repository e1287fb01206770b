import type { Signalled } from './signalled.ts';

/** Time is a port so that waits can be tested without waiting. */
export type Clock = {
  /** UTC, ISO 8601 with milliseconds. */
  now(): string;
  /** Milliseconds that never go backwards; for durations only. */
  monotonicMs(): number;
  /** Rejects with `signal.reason`. */
  sleep(ms: number, options: Signalled): Promise<void>;
};
