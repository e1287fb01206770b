import type { Volume } from '../../../shared/contract/volumes.ts';
import type { Migrating } from './migrate-vm.ts';

/**
 * After a failure or a cancel: what is attached to our appliance is detached, what never received data is deleted, the
 * rest is kept and named. The exports are closed already: every copy-disk run closes its own when it is undone.
 */
export async function takeBack({ parts, context, request }: Migrating): Promise<void> {
  const { omaVmId } = parts.site();
  const leftBehind: string[] = [];
  for (const volume of await parts.rows.volumes.ofJob(request.job_id)) {
    const key = String(volume.diskKey ?? volume.volume_id);
    const inCloud = await parts.cloud.volume(volume.volume_id, { signal: context.signal });
    if (inCloud === null) continue;
    if (inCloud.vmId === omaVmId) {
      await context.child(`detach-volume:${key}`, parts.operations.detach, {
        volume_id: volume.volume_id,
        vm_id: omaVmId,
        job_id: request.job_id,
      });
    }
    if (volume.received_data) leftBehind.push(describe(volume));
    else {
      await context.child(`delete-volume:${key}`, parts.operations.remove, {
        volume_id: volume.volume_id,
        job_id: request.job_id,
      });
    }
  }
  await context.write(async (tx) => {
    await parts.rows.jobs.leaveBehind(tx, request.job_id, leftBehind);
    await parts.rows.jobs.setSlots(tx, request.job_id, 0);
  });
  parts.slots.release(request.job_id);
  parts.progress.clear(request.job_id);
}

const describe = (volume: Volume): string =>
  `Volume ${volume.name} (${volume.volume_id}) holds data without a proof. It is detached and kept; delete it in CloudStack when it is no longer needed.`;
