import { type ErrorEntry, fail } from './error-entry.ts';

/** The part of the catalogue that keeps a replication from what must not be written to any more. */
export const scheduleErrors = {
  REPLICA_DIVERGED: fail(
    409,
    'The replica of this VM is not as the last synchronisation left it.',
    'It was booted or changed elsewhere. End that first; then start a migration yourself, which compares everything.',
  ),
  REPLICA_LIVE: fail(
    409,
    'This VM has failed over: its replica is the live VM now.',
    'Nothing was started. Remove the schedule, or take the failover back first.',
  ),
} as const satisfies Record<string, ErrorEntry>;
