import type { Handlers } from '../../../shared/contract/calls.ts';
import type { VmaEndpoints } from '../../../shared/contract/vma/all.ts';
import type { MoverPresence } from '../../domain/choose-copy-method.ts';
import type { Attempts } from '../../ports/attempts.ts';
import type { SnapshotLedger } from '../../ports/snapshot-ledger.ts';
import type { SourceSnapshots } from '../../ports/source-snapshots.ts';
import type { Sources } from '../../ports/sources.ts';
import type { SiteParts } from '../sites.ts';
import type { HashBoard } from './hash-board.ts';
import type { JobBoard } from './job-board.ts';

export type VmaHandlers = Handlers<VmaEndpoints>;

export type VmaParts = SiteParts & {
  readonly sources: Sources;
  readonly snapshots: SourceSnapshots;
  readonly ledgerOf: (siteId: string) => SnapshotLedger;
  readonly attempts: Attempts;
  readonly jobs: JobBoard;
  readonly hashes: HashBoard;
  /** What this machine has to read disks with. */
  readonly movers: () => Promise<readonly MoverPresence[]>;
  readonly about: { readonly instanceId: string; readonly version: string };
};
