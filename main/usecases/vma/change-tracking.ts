import type { Signalled } from '../../ports/signalled.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';
import { requireAtVcenter, specNow } from './require.ts';

export const getChangeTracking =
  (parts: VmaParts): VmaHandlers['getChangeTracking'] =>
  ({ params }, { signal }) =>
    trackingNow(parts, params.vm_id, { signal });

export const enableChangeTracking =
  (parts: VmaParts): VmaHandlers['enableChangeTracking'] =>
  async ({ params }, { signal }) => {
    const { vcenter, moRef } = await requireAtVcenter(parts, params.vm_id, { signal });
    await vcenter.enableChangeTracking(moRef, { signal });
    return await trackingNow(parts, params.vm_id, { signal });
  };

async function trackingNow(parts: VmaParts, vmId: string, options: Signalled) {
  const { changeTracking, disks } = await specNow(parts, vmId, options);
  return {
    vm_id: vmId,
    enabled: changeTracking,
    disks: disks.map(({ key, changeId }) => ({ disk_key: key, change_id: changeId })),
  };
}
