import type { VmDocument } from '../../../shared/contract/vma/discover.ts';
import { AppError } from '../../../shared/errors.ts';
import type { RemoteDisk, SourceImage, SourceVm } from '../../domain/vm.ts';

/** What a migration needs of a VM that a VMA lists. Its identity is the site of the VMA and the VM's own UUID. */
export const sourceVmOf = (siteId: string, vm: VmDocument): SourceVm => ({
  sourceKind: 'vsphere',
  sourceId: siteId,
  vmId: vm.vm_id,
  name: vm.name,
  folderPath: vm.folder_path,
  cpuCount: vm.cpu_count,
  memoryMib: vm.memory_mib,
  firmware: vm.firmware,
  guestOs: vm.guest_os,
  powerState: vm.power_state,
  disks: vm.disks.map((disk) => ({
    key: disk.key,
    label: disk.label,
    unit: disk.unit,
    capacityBytes: disk.capacity_bytes,
    image: {
      format: 'vma',
      path: disk.path,
      siteId,
      vmId: vm.vm_id,
      diskKey: disk.key,
      capacityBytes: disk.capacity_bytes,
      snapshotMoRef: null,
    },
  })),
  nics: vm.nics,
});

export function remoteDisk(image: SourceImage): RemoteDisk {
  if (image.format !== 'vma') throw new AppError('INTERNAL', `${image.path} is not read by a VMA.`);
  return image;
}
