import type { Operation } from '../../../shared/contract/operations.ts';
import type { Turns } from '../../engine/turns.ts';
import type { AnyWorkflow } from '../../engine/workflow.ts';
import type { Cloud } from '../../ports/cloud.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { NbdExports } from '../../ports/nbd-exports.ts';
import type { ExportRows, JobRows, MappingRows, VolumeRows } from '../../ports/rows.ts';
import type { Store } from '../../ports/store.ts';
import type { DeviceTruth } from '../device-truth.ts';

export type VolumeParts = {
  readonly cloud: Cloud;
  readonly host: HostAccess;
  readonly truth: DeviceTruth;
  readonly exports: NbdExports;
  readonly store: Store;
  readonly site: () => { readonly omaVmId: string };
  /** Whose mark a volume bears (rule D7): this data directory, for life. */
  readonly installId: string;
  readonly rows: {
    readonly jobs: JobRows;
    readonly volumes: VolumeRows;
    readonly mappings: MappingRows;
    readonly exports: ExportRows;
  };
  /** Operations on one VM take turns in the order of arrival; on the appliance only the newcomer can be told (rule D2). */
  readonly turnsOf: (vmId: string) => Turns;
  /** A disk left the appliance: whoever waits for room may have it now. */
  readonly onReleased: () => void;
  /** Keeps the row in volume_operations in step with the run. */
  readonly project: (type: Operation['type']) => NonNullable<AnyWorkflow['project']>;
};
