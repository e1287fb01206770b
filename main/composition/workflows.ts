import type { openRecords } from '../adapters/sqlite/open.ts';
import { createTurns } from '../engine/turns.ts';
import type { AnyWorkflow } from '../engine/workflow.ts';
import type { Clock } from '../ports/clock.ts';
import { createDeviceTruth } from '../workflows/device-truth.ts';
import { copyDiskWorkflow } from '../workflows/migrate-vm/copy-disk.ts';
import { type MigrateVm, migrateVmWorkflow } from '../workflows/migrate-vm/migrate-vm.ts';
import type { MigrateParts } from '../workflows/migrate-vm/parts.ts';
import { createSlots } from '../workflows/migrate-vm/slots.ts';
import { attachVolumeWorkflow } from '../workflows/volume/attach-volume.ts';
import { createVolumeWorkflow } from '../workflows/volume/create-volume.ts';
import { deleteVolumeWorkflow } from '../workflows/volume/delete-volume.ts';
import { detachVolumeWorkflow } from '../workflows/volume/detach-volume.ts';
import { projectOperation } from '../workflows/volume/project-operation.ts';

type Parts = Omit<MigrateParts, 'truth' | 'rows' | 'slots' | 'operations'> & {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly clock: Clock;
};

/** Every workflow that the engine can drive, wired to its ports. */
export async function createWorkflows({ records, host, clock, ...parts }: Parts): Promise<{
  readonly workflows: readonly AnyWorkflow[];
  readonly migrateVm: MigrateVm;
  /** To be called after a change of the settings: what waits for room may have it now. */
  readonly reconsider: () => void;
}> {
  const truth = createDeviceTruth({
    host,
    mappings: records.mappings,
    store: records.store,
    clock,
    ids: parts.ids,
    site: parts.site,
  });
  const volumeParts = {
    cloud: parts.cloud,
    host,
    truth,
    rows: records,
    attachTurns: createTurns(() => 1),
    project: projectOperation(records.operations),
  };
  const operations = {
    create: createVolumeWorkflow(volumeParts),
    attach: attachVolumeWorkflow(volumeParts),
    detach: detachVolumeWorkflow(volumeParts),
    remove: deleteVolumeWorkflow(volumeParts),
  };
  const slots = await createSlots(records.jobs, () => records.settings.get().attach_slots);
  const migrateParts: MigrateParts = { ...parts, host, truth, rows: records, slots, operations };
  const copyDisk = copyDiskWorkflow(migrateParts);
  const migrateVm = migrateVmWorkflow(migrateParts, copyDisk);
  const reconsider = (): void => {
    slots.reconsider();
    parts.workTurns.reconsider();
  };
  return { migrateVm, reconsider, workflows: [migrateVm, copyDisk, ...Object.values(operations)] };
}
