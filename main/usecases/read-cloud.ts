import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError, asAppError, toErrorBody } from '../../shared/errors.ts';
import type { CloudVolume } from '../ports/cloud.ts';
import { ownerOf } from '../workflows/volume/ownership.ts';
import type { UsecaseParts } from './parts.ts';

const asked = (volume: CloudVolume, installId: string) => {
  const owner = ownerOf(volume, installId);
  return {
    state: volume.state,
    vm_id: volume.vmId,
    device_id: volume.deviceId,
    size_bytes: volume.sizeBytes,
    owner: typeof owner === 'string' ? owner : owner.installId,
  };
};

/** What the records say needs no cloud: when that cannot be asked, the answer says so instead of failing. */
export const getVolume =
  (parts: UsecaseParts): Handlers['getVolume'] =>
  async ({ params }, { signal }) => {
    const volume = await parts.rows.volumes.get(params.id);
    if (volume === null) throw new AppError('NOT_FOUND', `This console has no volume ${params.id}.`);
    try {
      const inCloud = await parts.cloud.volume(params.id, { signal });
      return { ...volume, cloud: inCloud === null ? null : asked(inCloud, parts.about.installId), cloud_error: null };
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asAppError(thrown);
      if (error.code === 'INTERNAL') throw thrown;
      return { ...volume, cloud: null, cloud_error: toErrorBody(error) };
    }
  };

export const listVmVolumes =
  (parts: UsecaseParts): Handlers['listVmVolumes'] =>
  async ({ params }, { signal }) => {
    parts.site();
    if ((await parts.cloud.vm(params.id, { signal })) === null)
      throw new AppError('NOT_FOUND', `CloudStack lists no VM ${params.id}.`);
    const attached = await parts.cloud.volumesOfVm(params.id, { signal });
    const volumes = await Promise.all(
      attached.map(async (volume) => ({
        ...asked(volume, parts.about.installId),
        volume_id: volume.id,
        name: volume.name,
        type: volume.type,
        record: await parts.rows.volumes.get(volume.id),
      })),
    );
    return { vm_id: params.id, volumes };
  };

export const getInventory =
  (parts: UsecaseParts): Handlers['getInventory'] =>
  async (_input, { signal }) => {
    const { zoneId, diskOfferingId, omaVmId } = parts.site();
    const [zones, offerings] = await Promise.all([
      parts.cloud.zones({ signal }),
      parts.cloud.diskOfferings({ signal }),
    ]);
    return {
      zones: zones.map(({ id, name }) => ({ id, name })),
      disk_offerings: offerings.map(({ id, name, sizeGib }) => ({
        ...{ id, name, custom_size: sizeGib === null, size_gib: sizeGib },
      })),
      site: { zone_id: zoneId, disk_offering_id: diskOfferingId, oma_vm_id: omaVmId },
    };
  };
