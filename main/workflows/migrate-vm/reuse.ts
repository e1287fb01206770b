import { z } from 'zod';
import type { Volume } from '../../../shared/contract/volumes.ts';
import { sourceDiskId } from '../../domain/vm.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { ownerOf } from '../volume/ownership.ts';
import type { Migrating } from './migrate-vm.ts';

type Disk = Migrating['request']['disks'][number];
type Reusable = { readonly volumeId: string; readonly volumeBytes: number };

const reusable = z.object({ volumeId: z.uuid(), name: z.string(), volumeBytes: z.int() }).nullable();

/**
 * Phase 3 of the workflow, made safe: the volume of an earlier migration of the same source disk. The records only
 * propose it; CloudStack has to list it, as ours, large enough and free.
 */
export const findReusable = ({ parts, context, request }: Migrating, disk: Disk): Promise<Reusable | null> =>
  context.step(`find-volume:${String(disk.key)}`, {
    input: disk.key,
    ...actOnce(reusable, async (options) => {
      for (const volume of await parts.rows.volumes.ofSourceDisk(sourceDiskId(request.source, disk.key))) {
        const why = await whyNot({ parts, context, request }, { volume, disk }, options);
        if (why === null) return { volumeId: volume.volume_id, name: volume.name, volumeBytes: volume.size_bytes };
        await note({ parts, context, request }, { level: 'info', message: 'Volume not reused', volume, why });
      }
      return null;
    }),
    record: async (tx, found) => {
      if (found === null) return;
      const key = { jobId: request.job_id, diskKey: disk.key };
      await parts.rows.volumes.takeIntoUse(tx, found.volumeId, key);
      const { volumeId, name: volumeName, volumeBytes } = found;
      await parts.rows.jobs.patchDisk(tx, key, { volumeId, volumeName, volumeBytes, reused: true });
    },
  });

type Candidate = { readonly volume: Volume; readonly disk: Disk };

async function whyNot(
  { parts, context }: Migrating,
  { volume, disk }: Candidate,
  options: Signalled,
): Promise<string | null> {
  if (volume.role !== 'replica') return `it was booted: its role is ${volume.role}`;
  const last = volume.job_id === null ? null : await parts.rows.jobs.get(volume.job_id);
  if (last?.error?.code === 'INTEGRITY') return 'its last copy differed from the source; it is kept for examination';
  if (await parts.rows.operations.unfinishedOn(volume.volume_id)) return 'another operation on it is not finished';
  const inCloud = await parts.cloud.volume(volume.volume_id, options);
  if (inCloud === null) return 'CloudStack no longer lists it';
  const owner = ownerOf(inCloud, parts.installId);
  if (typeof owner !== 'string') return `it belongs to the console ${owner.installId}`;
  if (inCloud.sizeBytes < disk.capacityBytes) return 'it is too small';
  if (inCloud.vmId === null || inCloud.vmId === parts.site().omaVmId) return null;
  // Whatever it holds when it comes back, it is not what was proved (rule P3).
  await context.write((tx) => parts.rows.volumes.raiseGeneration(tx, volume.volume_id));
  return `it is attached to VM ${inCloud.vmId}`;
}

type Target = { readonly disk: Disk; readonly volumeId: string };

/** Phase 4: the device that the daemon knows for a reused volume, if that is current. False: attach it through the daemon. */
export async function useMapping(migrating: Migrating, { disk, volumeId }: Target): Promise<boolean> {
  const { parts, context, request } = migrating;
  const current = await context.step(`device-of:${String(disk.key)}`, {
    input: volumeId,
    ...actOnce(z.boolean(), async (options) => (await parts.truth.verified(volumeId, options)) !== null),
    record: async (tx, isCurrent) => {
      const mapping = isCurrent ? await parts.rows.mappings.openOf(volumeId) : null;
      if (mapping === null) return;
      const patch = { devicePath: mapping.device.path, evidence: mapping.evidence };
      await parts.rows.jobs.patchDisk(tx, { jobId: request.job_id, diskKey: disk.key }, patch);
    },
  });
  const volume = { volume_id: volumeId };
  if (!current) await note(migrating, { level: 'warn', message: 'Failed to get device mapping from daemon', volume });
  return current;
}

type Note = {
  readonly level: 'info' | 'warn';
  readonly message: string;
  readonly volume: Pick<Volume, 'volume_id'>;
  readonly why?: string;
};

const note = ({ parts, context, request }: Migrating, { level, message, volume, why }: Note): Promise<void> =>
  context.write((tx) =>
    parts.rows.events.append(tx, {
      type: 'log.line',
      level,
      job_id: request.job_id,
      message,
      fields: { volume_id: volume.volume_id, ...(why === undefined ? {} : { because: why }) },
    }),
  );
