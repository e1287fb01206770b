import type { Handlers } from '../../shared/contract/calls.ts';
import type { VerifiedDevice } from '../../shared/contract/volumes.ts';
import { AppError } from '../../shared/errors.ts';
import { evidenceDocument, type Mapping } from '../domain/device.ts';
import type { UsecaseParts } from './parts.ts';

/** Never from memory: the mapping is compared with the host's devices before it is told. */
export const getVolumeDevice =
  (parts: UsecaseParts): Handlers['getVolumeDevice'] =>
  async ({ params }, { signal }) => {
    const mapping = await parts.truth.verified(params.id, { signal });
    if (mapping === null) throw new AppError('MAPPING_NOT_FOUND', `Volume ${params.id} has no device that is proved.`);
    return toDevice(parts, mapping);
  };

export const getDeviceVolume =
  (parts: UsecaseParts): Handlers['getDeviceVolume'] =>
  async ({ params }, { signal }) => {
    const path = devicePath(params.path);
    const open = await parts.rows.mappings.openOn(parts.host.hostId);
    const claim = open.find(({ device }) => device.path === path);
    const mapping = claim === undefined ? null : await parts.truth.verified(claim.volumeId, { signal });
    if (mapping === null) throw new AppError('MAPPING_NOT_FOUND', `${path} is not proved to be a volume.`);
    return toDevice(parts, mapping);
  };

/** `vdc` or `/dev/vdc`; nothing that could leave /dev. */
function devicePath(given: string): string {
  const name = given.replace(/^\/dev\//, '');
  if (!/^[A-Za-z0-9!_-]{1,64}$/.test(name)) throw new AppError('INVALID_REQUEST', 'params.path: a device such as vdc');
  return `/dev/${name}`;
}

function toDevice({ clock }: UsecaseParts, mapping: Mapping): VerifiedDevice {
  const { device, evidence } = mapping;
  return {
    volume_id: mapping.volumeId,
    device_path: device.path,
    vm_id: mapping.vmId,
    attached_at: mapping.observedAt,
    mapping_id: mapping.id,
    host_id: mapping.hostId,
    boot_id: mapping.bootId,
    dev: device.dev,
    diskseq: device.diskseq,
    serial: device.serial,
    size_bytes: device.sizeBytes,
    evidence: evidenceDocument(evidence),
    verified_at: clock.now(),
  };
}

export const listHosts =
  (parts: UsecaseParts): Handlers['listHosts'] =>
  async (_input, { signal }) => {
    const { host, rows, clock, about } = parts;
    const vmId = parts.site().omaVmId;
    const open = await rows.mappings.openOn(host.hostId);
    const { bootId, devices } = await host.snapshot({ signal });
    const volumeOf = (path: string, dev: string): string | null =>
      open.find(({ device, bootId: boot }) => device.path === path && device.dev === dev && boot === bootId)
        ?.volumeId ?? null;
    return {
      hosts: [
        {
          host_id: host.hostId,
          kind: 'local',
          vm_id: vmId,
          boot_id: bootId,
          owner_install_id: about.installId,
          observed_at: clock.now(),
          devices: devices.map(({ path, dev, diskseq, serial, sizeBytes, holders }) => ({
            ...{ path, dev, diskseq, serial, size_bytes: sizeBytes, holders: [...holders] },
            volume_id: volumeOf(path, dev),
          })),
        },
      ],
    };
  };
