import { z } from 'zod';
import type { Volume } from '../../../shared/contract/volumes.ts';
import { sourceDiskId } from '../../domain/vm.ts';
import { actOnce } from '../../engine/act-once.ts';
import { thaw } from './freeze.ts';
import type { Migrating } from './migrate-vm.ts';
import { volumeName } from './volume-name.ts';

type Known = Volume & { readonly diskKey: number | null };

/**
 * After a failure or a cancel: our snapshot goes away, what is attached to our appliance is detached, what never received data is deleted, the
 * rest is kept and named. The exports are closed already: every copy-disk run closes its own when it is undone.
 */
export async function takeBack(migrating: Migrating): Promise<void> {
  const { parts, context, request } = migrating;
  const doubtful = await findUnrecorded(migrating);
  const kept: string[] = [];
  for (const volume of await parts.rows.volumes.ofJob(request.job_id)) {
    const leftBehind = await takeBackOne(migrating, volume);
    if (leftBehind !== null) kept.push(leftBehind);
  }
  const snapshot = await thaw(migrating);
  await context.write(async (tx) => {
    const lines = [...doubtful, ...kept, ...(snapshot === null ? [] : [snapshot])];
    await parts.rows.jobs.leaveBehind(tx, request.job_id, lines);
    await parts.rows.jobs.setSlots(tx, request.job_id, 0);
  });
  parts.slots.release(request.job_id);
  parts.progress.clear(request.job_id);
}

/**
 * A create whose reply was lost may have left a volume that no row knows (rule J2): it is found by the name that only
 * this migration can have given. One is ours; of several nobody knows which, so all are left and named.
 */
async function findUnrecorded(migrating: Migrating): Promise<string[]> {
  const { parts, context, request } = migrating;
  const recorded = new Set((await parts.rows.volumes.ofJob(request.job_id)).map((volume) => volume.diskKey));
  const doubtful: string[] = [];
  for (const disk of request.disks.filter(({ key }) => !recorded.has(key))) {
    const name = volumeName(migrating, disk);
    const volumes = await context.step(`find-unrecorded:${String(disk.key)}`, {
      input: name,
      output: z.array(z.object({ id: z.string(), sizeBytes: z.int() })),
      handle: z.null(),
      observe: async (_begun, options) => {
        const seen = await parts.cloud.volumesNamed(name, options);
        if (seen.some(({ pendingJobId }) => pendingJobId !== null)) return { state: 'pending' };
        return { state: 'done', output: seen.map(({ id, sizeBytes }) => ({ id, sizeBytes })) };
      },
      act: () => Promise.resolve(null),
    });
    const [volume, ...more] = volumes;
    if (volume === undefined) continue;
    if (more.length > 0) doubtful.push(...volumes.map(({ id }) => describeDoubtful(name, id)));
    else {
      const row = {
        volumeId: volume.id,
        name,
        sizeBytes: volume.sizeBytes,
        origin: 'made' as const,
        jobId: request.job_id,
        diskKey: disk.key,
        sourceDisk: sourceDiskId(request.source, disk.key),
        metadata: {},
      };
      await context.write((tx) => parts.rows.volumes.insert(tx, row));
    }
  }
  return doubtful;
}

/** What is left of the volume for a person to know, or null. */
async function takeBackOne({ parts, context, request }: Migrating, volume: Known): Promise<string | null> {
  const { omaVmId } = parts.site();
  const key = String(volume.diskKey ?? volume.volume_id);
  const place = z.object({ vmId: z.string().nullable() }).nullable();
  const inCloud = await context.step(`look-at-volume:${key}`, {
    input: volume.volume_id,
    ...actOnce(place, async (options) => {
      const found = await parts.cloud.volume(volume.volume_id, options);
      return found === null ? null : { vmId: found.vmId };
    }),
  });
  if (inCloud === null) {
    await context.write(async (tx) => {
      const open = await parts.rows.mappings.openOf(volume.volume_id);
      if (open !== null) await parts.rows.mappings.end(tx, open.id, 'volume vanished');
      await parts.rows.volumes.setStatus(tx, volume.volume_id, 'deleted');
    });
    return null;
  }
  const who = { volume_id: volume.volume_id, job_id: request.job_id };
  if (inCloud.vmId === omaVmId)
    await context.child(`detach-volume:${key}`, parts.operations.detach, { ...who, vm_id: omaVmId });
  if (volume.received_data) return describe(volume);
  await context.child(`delete-volume:${key}`, parts.operations.remove, { ...who, confirm: null });
  return null;
}

const describe = (volume: Volume): string =>
  `Volume ${volume.name} (${volume.volume_id}) holds data without a proof. It is detached and kept; delete it in CloudStack when it is no longer needed.`;

const describeDoubtful = (name: string, id: string): string =>
  `Volume ${name} (${id}) is one of several of that name. It was left alone; look at it in CloudStack and delete it if it is not needed.`;
