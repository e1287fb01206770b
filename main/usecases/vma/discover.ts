import type { VmDocument } from '../../../shared/contract/vma/discover.ts';
import type { SourceVm } from '../../domain/vm.ts';
import { siteNames, vmDocument } from '../list-vms.ts';
import { vsphereDocument } from '../vsphere-document.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';

export const discover =
  (parts: VmaParts): VmaHandlers['discover'] =>
  async (_input, { signal }) => {
    const [vms, nameOf] = await Promise.all([parts.sources.list({ signal }), siteNames(parts)]);
    return { vms: vms.map((vm) => documentOf(parts, vm, nameOf(vm.sourceId))) };
  };

export function documentOf({ vcenters }: VmaParts, vm: SourceVm, siteName: string | null): VmDocument {
  const spec = vcenters.spec(vm.sourceId, vm.vmId);
  return { ...vmDocument(vm, siteName), vsphere: spec === null ? null : vsphereDocument(spec) };
}
