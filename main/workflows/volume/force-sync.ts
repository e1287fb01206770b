import { z } from 'zod';
import { finding } from '../../../shared/contract/exports.ts';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { Workflow } from '../../engine/workflow.ts';
import type { CloudVolume } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { compareTruths, type Truths } from './compare-truths.ts';
import type { VolumeParts } from './parts.ts';

const input = z.object({});
const output = z.object({
  expired: z.array(z.object({ volume_id: z.string(), device_path: z.string(), because: z.string() })),
  adopted: z.array(z.object({ volume_id: z.string(), device_path: z.string() })),
  exports_removed: z.array(z.object({ volume_id: z.string(), device_path: z.string() })),
  findings: z.array(finding),
});
type Outcome = z.infer<typeof output>;
export type ForceSync = Workflow<Record<string, never>, Outcome>;

/**
 * Brings the records in line with what CloudStack and the appliance show. It detaches, deletes and writes nothing: what
 * would need that is a finding with the request that would do it.
 */
export function forceSyncWorkflow(parts: VolumeParts): ForceSync {
  return {
    name: 'force-sync',
    version: 1,
    input,
    output,
    cancellable: false,
    project: parts.project('force-sync'),
    run: async (context) => {
      // An attach under way is about to prove a device: what it adopts must not be adopted here, too.
      const leave = await parts.turnsOf(parts.site().omaVmId).enter(1, context.signal);
      try {
        const work = actOnce(output, (options) => synchronise(parts, options));
        return await context.step('compare', { input: null, ...work });
      } finally {
        leave();
      }
    },
  };
}

async function synchronise(parts: VolumeParts, options: Signalled): Promise<Outcome> {
  const truths = await collect(parts, options);
  const { expired, provable, findings } = compareTruths(truths);
  for (const { mapping, because } of expired) {
    await parts.store.write((tx) => parts.rows.mappings.end(tx, mapping.id, because));
  }
  // Attached to another VM, which may write there: nothing that was proved before is carried over that (rule P3).
  for (const { volume_id: volumeId } of findings.filter(({ code }) => code === 'VOLUME_IN_USE')) {
    if (volumeId !== null) await parts.store.write((tx) => parts.rows.volumes.raiseGeneration(tx, volumeId));
  }
  const adopted = [];
  for (const volume of provable) adopted.push(await adopt(parts, volume, options));
  return {
    expired: expired.map(({ mapping, because }) => ({
      volume_id: mapping.volumeId,
      device_path: mapping.device.path,
      because,
    })),
    adopted: adopted.filter((one) => one !== null),
    exports_removed: await removeUnproved(parts, options),
    findings: [...findings],
  };
}

async function collect({ cloud, host, rows, site, installId }: VolumeParts, options: Signalled): Promise<Truths> {
  const { omaVmId } = site();
  // Mappings first: one that is made while CloudStack is asked must not be compared with an older list.
  const mappings = await rows.mappings.openOn(host.hostId);
  const recorded = await rows.volumes.undeleted();
  const attached = await cloud.volumesOfVm(omaVmId, options);
  const byId = new Map(attached.map((volume) => [volume.id, volume]));
  const asked = [];
  for (const volume of recorded) {
    const inCloud = byId.get(volume.volume_id) ?? (await cloud.volume(volume.volume_id, options));
    asked.push({ volume, inCloud });
  }
  return { installId, omaVmId, attached, recorded: asked, mappings, snapshot: await host.snapshot(options) };
}

async function adopt(
  { truth, rows, store }: VolumeParts,
  volume: CloudVolume,
  options: Signalled,
): Promise<Outcome['adopted'][number] | null> {
  // Another operation is at it: the end of that is what counts.
  if (volume.pendingJobId !== null) return null;
  const mapping = await truth.adopt({ volumeId: volume.id, sizeBytes: volume.sizeBytes }, options);
  if (mapping === null) return null;
  await store.write(async (tx) => {
    const { id: volumeId, name, sizeBytes } = volume;
    const unknown = { jobId: null, diskKey: null, sourceDisk: null, metadata: {} };
    await rows.volumes.insert(tx, { ...unknown, volumeId, name, sizeBytes, origin: 'adopted' });
    await rows.volumes.setStatus(tx, volumeId, 'attached');
  });
  return { volume_id: volume.id, device_path: mapping.device.path };
}

/** Exports of devices that are no longer proved, unless somebody is connected. */
async function removeUnproved(parts: VolumeParts, options: Signalled): Promise<Outcome['exports_removed']> {
  const clients = await parts.exports.clients();
  const removed = [];
  for (const row of await parts.rows.exports.active()) {
    const served = await parts.rows.exports.openMapping(row.volume_id);
    if (served === null || clients.some(({ dev }) => dev === served.device.dev)) continue;
    if ((await parts.truth.verified(row.volume_id, options))?.id === served.id) continue;
    if ((await parts.rows.jobs.usingVolume(row.volume_id)) !== null) continue;
    try {
      await parts.exports.close(served, options);
    } catch (error) {
      // The device under it is another one by now or still held: it stays listed, and validation tells of it.
      if (!(error instanceof AppError) || error.code !== 'EXPORT_NOT_CLOSED') throw error;
      continue;
    }
    await parts.store.write((tx) => parts.rows.exports.close(tx, served.id));
    removed.push({ volume_id: row.volume_id, device_path: row.device_path });
  }
  return removed;
}
