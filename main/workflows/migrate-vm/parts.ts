import type { Turns } from '../../engine/turns.ts';
import type { Cloud } from '../../ports/cloud.ts';
import type { DiskHasher } from '../../ports/disk-hasher.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Ids } from '../../ports/ids.ts';
import type { Manifests } from '../../ports/manifests.ts';
import type { Mover } from '../../ports/mover.ts';
import type { NbdExports } from '../../ports/nbd-exports.ts';
import type { Progress } from '../../ports/progress.ts';
import type {
  EventRows,
  ExportRows,
  JobRows,
  MappingRows,
  OperationRows,
  ReplicaRows,
  SegmentRows,
  SettingRows,
  VolumeRows,
} from '../../ports/rows.ts';
import type { SourceSnapshots } from '../../ports/source-snapshots.ts';
import type { Sources } from '../../ports/sources.ts';
import type { DeviceTruth } from '../device-truth.ts';
import type { VolumeOperations } from '../volume/all.ts';
import type { Slots } from './slots.ts';

/** Where volumes are made and to which VM they are attached. */
export type Site = { readonly zoneId: string; readonly diskOfferingId: string; readonly omaVmId: string };

export type MigrateParts = {
  readonly site: () => Site;
  readonly installId: string;
  readonly cloud: Cloud;
  readonly host: HostAccess;
  readonly truth: DeviceTruth;
  readonly exports: NbdExports;
  readonly mover: Mover;
  readonly hasher: DiskHasher;
  readonly manifests: Manifests;
  readonly sources: Sources;
  readonly snapshots: SourceSnapshots;
  readonly ids: Ids;
  readonly progress: Progress;
  readonly rows: {
    readonly jobs: JobRows;
    readonly volumes: VolumeRows;
    readonly mappings: MappingRows;
    readonly exports: ExportRows;
    readonly segments: SegmentRows;
    readonly replicas: ReplicaRows;
    readonly settings: SettingRows;
    readonly events: EventRows;
    readonly operations: OperationRows;
  };
  readonly slots: Slots;
  /** Movers and hashers at work at the same time. */
  readonly workTurns: Turns;
  readonly operations: Pick<VolumeOperations, 'create' | 'attach' | 'detach' | 'remove'>;
};
