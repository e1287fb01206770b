import type { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { CloudDiskOffering, CloudLimits, CloudVm } from '../ports/cloud.ts';

/** A fact that could be established, or why it could not. */
export type Fact<T> = { readonly known: true; readonly value: T } | { readonly known: false; readonly error: AppError };

/** Everything the checks look at, collected at one moment; the checks themselves ask nobody. */
export type Facts = {
  readonly vm: SourceVm;
  readonly unfinishedMigration: string | null;
  /** Where a source disk cannot be read, by its label. */
  readonly unreadable: readonly { readonly label: string; readonly error: AppError }[];
  readonly appliance: Fact<CloudVm | null>;
  readonly offering: Fact<CloudDiskOffering | null>;
  readonly limits: Fact<CloudLimits>;
  readonly headroomGib: number;
  readonly slotsTotal: number;
  readonly host: Fact<{ readonly devices: number }>;
  /** Why nothing can be recorded now, e.g. a full data directory. */
  readonly stalled: string | null;
};

export type Check = {
  readonly id: string;
  readonly title: string;
  readonly judge: (facts: Facts) => Verdict;
};

export type Verdict =
  | { readonly outcome: 'passed'; readonly found: string }
  | { readonly outcome: 'failed' | 'unknown'; readonly found: string; readonly error: AppError };

export const passed = (found: string): Verdict => ({ outcome: 'passed', found });
export const failed = (error: AppError): Verdict => ({
  outcome: 'failed',
  found: error.reason ?? error.message,
  error,
});
export const unknown = (error: AppError): Verdict => ({
  outcome: 'unknown',
  found: error.reason ?? error.message,
  error,
});
