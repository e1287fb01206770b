import type { VmDocument } from '../../../shared/contract/vma/discover.ts';
import type { SourceVm } from '../../domain/vm.ts';
import { vmDocument } from '../list-vms.ts';
import { vsphereDocument } from '../vsphere-document.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';

export const discover =
  (parts: VmaParts): VmaHandlers['discover'] =>
  async (_input, { signal }) => ({ vms: (await parts.sources.list({ signal })).map((vm) => documentOf(parts, vm)) });

export function documentOf({ vcenters }: VmaParts, vm: SourceVm): VmDocument {
  const spec = vcenters.spec(vm.sourceId, vm.vmId);
  return { ...vmDocument(vm), vsphere: spec === null ? null : vsphereDocument(spec) };
}
