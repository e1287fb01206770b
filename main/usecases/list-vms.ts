import type { Handlers } from '../../shared/contract/calls.ts';
import type { Vm } from '../../shared/contract/vms.ts';
import { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { UsecaseParts } from './parts.ts';
import { vsphereDocument } from './vsphere-document.ts';

export const listVms =
  ({ sources }: UsecaseParts): Handlers['listVms'] =>
  async (_input, { signal }) => ({ vms: (await sources.list({ signal })).map(vmDocument) });

export const getVm =
  (parts: UsecaseParts): Handlers['getVm'] =>
  async ({ params }, { signal }) => {
    const vm = await requireVm(parts, params.vm_id, { signal });
    const spec = vm.sourceKind === 'vsphere' ? parts.vcenters.spec(vm.sourceId, vm.vmId) : null;
    return { ...vmDocument(vm), vsphere: spec === null ? null : vsphereDocument(spec) };
  };

export const vmDocument = (vm: SourceVm): Vm => ({
  vm_id: vm.vmId,
  source_kind: vm.sourceKind,
  source_id: vm.sourceId,
  name: vm.name,
  folder_path: vm.folderPath ?? null,
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
});

export async function requireVm(
  { sources }: Pick<UsecaseParts, 'sources'>,
  vmId: string,
  options: Signalled,
): Promise<SourceVm> {
  const [vm, ...others] = (await sources.list(options)).filter((candidate) => candidate.vmId === vmId);
  if (others.length > 0)
    throw new AppError(
      'SOURCE_UNREADABLE',
      `${String(others.length + 1)} sources list a VM ${vmId}: remove one of them.`,
    );
  if (vm === undefined) throw new AppError('NOT_FOUND', `No source lists a VM ${vmId}.`);
  return vm;
}
