import type { ErrorCode } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Tx } from './store.ts';

/** Instants are UTC, ISO 8601 with milliseconds. */
export type ScheduleRow = Pick<SourceVm, 'sourceKind' | 'sourceId' | 'vmId'> & {
  readonly id: string;
  readonly vmName: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly jitterSeconds: number;
  readonly keepAttached: boolean;
  readonly enabled: boolean;
  /** Occurrences up to here are not its business. */
  readonly since: string;
  readonly createdAt: string;
  readonly updatedAt: string;
};

export type ScheduleRunRow = {
  readonly scheduleId: string;
  readonly occurrence: string;
  /** The first of several occurrences that this run stands for. */
  readonly missedSince: string | null;
  readonly migrationId: string | null;
  readonly code: ErrorCode | null;
  readonly reason: string | null;
  readonly at: string;
};

/** Every change also tells of it on the feed, in the same transaction. */
export type ScheduleRows = {
  list(): Promise<readonly ScheduleRow[]>;
  get(id: string): Promise<ScheduleRow | null>;
  /** Inserts it, or replaces the one of that id. */
  put(tx: Tx, row: ScheduleRow): Promise<void>;
  remove(tx: Tx, id: string): Promise<void>;
  /** The newest settled occurrence up to an instant. */
  settledUntil(id: string, instant: string): Promise<string | null>;
  isSettled(id: string, occurrence: string): Promise<boolean>;
  /** For good: a second run of one occurrence cannot be written. */
  settle(tx: Tx, run: ScheduleRunRow): Promise<void>;
  /** Newest first. */
  runs(id: string, limit: number): Promise<readonly ScheduleRunRow[]>;
  /** Migrations started by schedules that are neither finished nor held. */
  underWay(): Promise<number>;
};
