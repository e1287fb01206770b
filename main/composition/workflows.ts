import type { openRecords } from '../adapters/sqlite/open.ts';
import { createTurns, type Turns } from '../engine/turns.ts';
import type { AnyWorkflow } from '../engine/workflow.ts';
import type { Bandwidth } from '../ports/bandwidth.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import { createDeviceTruth, type DeviceTruth } from '../workflows/device-truth.ts';
import { copyDiskWorkflow } from '../workflows/migrate-vm/copy-disk.ts';
import { type MigrateVm, migrateVmWorkflow } from '../workflows/migrate-vm/migrate-vm.ts';
import type { MigrateParts } from '../workflows/migrate-vm/parts.ts';
import { createSlots } from '../workflows/migrate-vm/slots.ts';
import { type VolumeOperations, volumeOperations } from '../workflows/volume/all.ts';
import { projectOperation } from '../workflows/volume/project-operation.ts';
import { otherVolumes } from './other-volumes.ts';
import type { ReadingTurns } from './reading-turns.ts';

type Parts = Omit<MigrateParts, 'truth' | 'rows' | 'slots' | 'operations'> & {
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly clock: Clock;
  readonly log: Log;
  readonly bandwidth: Bandwidth;
  readonly readingTurns: ReadingTurns;
  /** Aborts when the daemon closes. */
  readonly closing: AbortSignal;
};

/** Every workflow that the engine can drive, wired to its ports. */
export async function createWorkflows({ records, host, clock, closing, log, ...parts }: Parts): Promise<{
  readonly workflows: readonly AnyWorkflow[];
  readonly migrateVm: MigrateVm;
  readonly operations: VolumeOperations;
  readonly truth: DeviceTruth;
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
    others: otherVolumes({ ...parts, records, hostId: host.hostId }),
  });
  const slots = await createSlots({
    jobs: records.jobs,
    capacity: () => records.settings.get().attach_slots,
    countOthers: async (options) => {
      const attached = await parts.cloud.volumesOfVm(parts.site().omaVmId, options);
      const disks = attached.filter(({ type }) => type === 'DATADISK');
      const users = disks.map(({ id }) => records.jobs.usingVolume(id));
      return (await Promise.all(users)).filter((user) => user === null).length;
    },
  });
  const operations = volumeOperations({
    ...parts,
    host,
    truth,
    store: records.store,
    rows: records,
    turnsOf: onePerVm(),
    onReleased: () => {
      void slots.recount({ signal: closing }).catch((error: unknown) => {
        log.warn('disks on the appliance could not be counted', { error });
      });
    },
    project: projectOperation(records.operations),
  });
  const migrateParts: MigrateParts = { ...parts, host, truth, rows: records, slots, operations };
  const copyDisk = copyDiskWorkflow(migrateParts);
  const migrateVm = migrateVmWorkflow(migrateParts, copyDisk);
  const reconsider = (): void => {
    slots.reconsider();
    parts.workTurns.reconsider();
    parts.readingTurns.reconsider();
    parts.bandwidth.reconsider();
  };
  const workflows: AnyWorkflow[] = [migrateVm, copyDisk, ...Object.values(operations)];
  return { migrateVm, operations, truth, reconsider, workflows };
}

function onePerVm(): (vmId: string) => Turns {
  const known = new Map<string, Turns>();
  return (vmId) => {
    const turns = known.get(vmId) ?? createTurns(() => 1);
    known.set(vmId, turns);
    return turns;
  };
}
