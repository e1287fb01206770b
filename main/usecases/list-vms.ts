import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { UsecaseParts } from './parts.ts';

export const listVms =
  ({ images }: UsecaseParts): Handlers['listVms'] =>
  async (_input, { signal }) => ({
    vms: (await images.list({ signal })).map((vm) => ({
      vm_id: vm.vmId,
      source_kind: vm.sourceKind,
      source_id: vm.sourceId,
      name: vm.name,
      cpu_count: vm.cpuCount,
      memory_mib: vm.memoryMib,
      firmware: vm.firmware,
      guest_os: vm.guestOs,
      power_state: vm.powerState,
      disks: vm.disks.map((disk) => ({
        key: disk.key,
        label: disk.label,
        unit: disk.unit,
        capacity_bytes: disk.capacityBytes,
        format: disk.image.format,
        path: disk.image.path,
      })),
      nics: vm.nics.map((nic) => ({ ...nic })),
    })),
  });

export async function requireVm({ images }: UsecaseParts, vmId: string, options: Signalled): Promise<SourceVm> {
  const vm = (await images.list(options)).find((candidate) => candidate.vmId === vmId);
  if (vm === undefined) throw new AppError('NOT_FOUND', `No source lists a VM ${vmId}.`);
  return vm;
}
