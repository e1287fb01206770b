import type { Log } from '../log.ts';
import type { Store } from '../store.ts';
import type { Changes } from './changes.ts';
import type { DiskFiles } from './disks/disk-files.ts';
import type { Sessions } from './sessions.ts';
import type { Tasks } from './tasks.ts';
import type { Vms } from './vms.ts';

export type VcenterContext = {
  readonly store: Store;
  readonly log: Log;
  readonly nowMs: () => number;
  readonly changes: Changes;
  readonly vms: Vms;
  readonly disks: DiskFiles;
  readonly sessions: Sessions;
  readonly tasks: Tasks;
  /** Happens by itself, unless the lab stops before. */
  later(ms: number, work: () => Promise<void>): void;
};
