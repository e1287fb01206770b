import type { Turns } from '../../engine/turns.ts';
import type { AnyWorkflow } from '../../engine/workflow.ts';
import type { Cloud } from '../../ports/cloud.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { ExportRows, JobRows, MappingRows, VolumeRows } from '../../ports/rows.ts';
import type { DeviceTruth } from '../device-truth.ts';

export type VolumeParts = {
  readonly cloud: Cloud;
  readonly host: HostAccess;
  readonly truth: DeviceTruth;
  readonly rows: {
    readonly jobs: JobRows;
    readonly volumes: VolumeRows;
    readonly mappings: MappingRows;
    readonly exports: ExportRows;
  };
  /** One attach at a time on the appliance: without serials only the newcomer can be told (rule D2). */
  readonly attachTurns: Turns;
  /** Keeps the row in volume_operations in step with the run. */
  readonly project: (type: 'create' | 'attach' | 'detach' | 'delete') => NonNullable<AnyWorkflow['project']>;
};
