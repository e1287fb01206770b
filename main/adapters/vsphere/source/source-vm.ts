import { createHash } from 'node:crypto';
import type { SourceDisk, SourceVm } from '../../../domain/vm.ts';
import type { VmDisk, VmSpec } from '../../../domain/vm-spec.ts';

/** What a migration needs of a VM in a vCenter. */
export const sourceVmOf = (siteId: string, spec: VmSpec): SourceVm => ({
  sourceKind: 'vsphere',
  sourceId: siteId,
  vmId: vmIdOf(siteId, spec),
  name: spec.name,
  folderPath: spec.folderPath,
  cpuCount: spec.cpuCount ?? 0,
  memoryMib: spec.memoryMib ?? 0,
  firmware: spec.firmware ?? 'bios',
  guestOs: spec.guestName ?? spec.guestId ?? '',
  powerState: spec.powerState ?? 'on',
  disks: spec.disks.map((disk) => sourceDiskOf(siteId, spec, disk)),
  nics: spec.nics.map(({ label, mac, network }) => ({ label, mac: mac ?? '', network: network ?? '' })),
});

const sourceDiskOf = (siteId: string, spec: VmSpec, disk: VmDisk): SourceDisk => ({
  key: disk.key,
  label: disk.label,
  unit: disk.unit ?? '',
  capacityBytes: disk.capacityBytes,
  image: {
    format: 'datastore',
    path: disk.vmdkPath ?? '',
    siteId,
    vmMoRef: spec.moRef,
    diskKey: disk.key,
    capacityBytes: disk.capacityBytes,
  },
});

/** The instance UUID; a vCenter that hides it still gets one identity a VM and site. */
export function vmIdOf(siteId: string, { instanceUuid, moRef }: Pick<VmSpec, 'instanceUuid' | 'moRef'>): string {
  if (instanceUuid !== null) return instanceUuid;
  const hex = createHash('sha256').update(`${siteId}\n${moRef}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
