import type { Engine } from '../engine/engine.ts';
import type { Bandwidth } from '../ports/bandwidth.ts';
import type { Clock } from '../ports/clock.ts';
import type { Cloud } from '../ports/cloud.ts';
import type { HostAccess } from '../ports/host-access.ts';
import type { Ids } from '../ports/ids.ts';
import type { NbdExports } from '../ports/nbd-exports.ts';
import type { Progress } from '../ports/progress.ts';
import type {
  AuditRows,
  EventHistory,
  ExportRows,
  JobRows,
  MappingRows,
  OperationRows,
  SettingRows,
  VolumeRows,
} from '../ports/rows.ts';
import type { SiteRows, Vcenters, Vmas } from '../ports/sites.ts';
import type { SourceSnapshots } from '../ports/source-snapshots.ts';
import type { Sources } from '../ports/sources.ts';
import type { Store } from '../ports/store.ts';
import type { Vault } from '../ports/vault.ts';
import type { DeviceTruth } from '../workflows/device-truth.ts';
import type { MigrateVm } from '../workflows/migrate-vm/migrate-vm.ts';
import type { Site } from '../workflows/migrate-vm/parts.ts';
import type { VolumeOperations } from '../workflows/volume/all.ts';

export type UsecaseParts = {
  readonly engine: Engine;
  readonly migrateVm: MigrateVm;
  readonly operations: VolumeOperations;
  readonly truth: DeviceTruth;
  /** After a change of the settings: what waits for room may have it now. */
  readonly reconsider: () => void;
  readonly bandwidth: Pick<Bandwidth, 'limitJob'>;
  readonly sources: Sources;
  readonly snapshots: SourceSnapshots;
  readonly vcenters: Vcenters;
  readonly vmas: Vmas;
  readonly vault: Vault;
  readonly cloud: Cloud;
  readonly site: () => Site;
  readonly host: HostAccess;
  readonly exports: NbdExports;
  readonly progress: Progress;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly history: EventHistory;
  readonly rows: {
    readonly jobs: JobRows;
    readonly volumes: VolumeRows;
    readonly mappings: MappingRows;
    readonly exports: ExportRows;
    readonly operations: OperationRows;
    readonly settings: SettingRows;
    readonly sites: SiteRows;
    readonly audit: AuditRows;
  };
  readonly about: {
    readonly instanceId: string;
    readonly version: string;
    readonly lab: boolean;
    readonly installId: string;
  };
};
