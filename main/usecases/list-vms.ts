import type { Handlers } from '../../shared/contract/calls.ts';
import type { Vm, VsphereDetails } from '../../shared/contract/vms.ts';
import { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { UsecaseParts } from './parts.ts';
import { vsphereDocument } from './vsphere-document.ts';

export const listVms =
  (parts: UsecaseParts): Handlers['listVms'] =>
  async (_input, { signal }) => {
    const [vms, nameOf] = await Promise.all([parts.sources.list({ signal }), siteNames(parts)]);
    return { vms: vms.map((vm) => vmDocument(vm, nameOf(vm.sourceId))) };
  };

export const getVm =
  (parts: UsecaseParts): Handlers['getVm'] =>
  async ({ params, query }, { signal }) => {
    const vm = await requireVm(parts, params.vm_id, { siteId: query.site_id, signal });
    const nameOf = await siteNames(parts);
    return { ...vmDocument(vm, nameOf(vm.sourceId)), vsphere: detailsOf(parts, vm) };
  };

function detailsOf({ vcenters, vmas }: UsecaseParts, { sourceKind, sourceId, vmId }: SourceVm): VsphereDetails | null {
  if (sourceKind !== 'vsphere') return null;
  const spec = vcenters.spec(sourceId, vmId);
  return spec === null ? vmas.details(sourceId, vmId) : vsphereDocument(spec);
}

type NameOf = (siteId: string) => string | null;

type SiteList = { readonly rows: Pick<UsecaseParts['rows'], 'sites'> };

export async function siteNames({ rows }: SiteList): Promise<NameOf> {
  const names = new Map((await rows.sites.list()).map(({ id, name }) => [id, name]));
  return (siteId) => names.get(siteId) ?? null;
}

export const vmDocument = (vm: SourceVm, siteName: string | null): Vm => ({
  vm_id: vm.vmId,
  source_kind: vm.sourceKind,
  source_id: vm.sourceId,
  site_name: siteName,
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

/** The same VM may be reached through several sites: which one is meant is then the caller's to say. */
export async function requireVm(
  parts: Pick<UsecaseParts, 'sources'> & SiteList,
  vmId: string,
  { siteId, signal }: Signalled & { readonly siteId?: string | undefined },
): Promise<SourceVm> {
  const listed = await parts.sources.list({ signal });
  const found = listed.filter((vm) => vm.vmId === vmId && (siteId === undefined || vm.sourceId === siteId));
  const [vm, ...others] = found;
  if (vm === undefined) {
    const where = siteId === undefined ? 'No source' : `No site ${siteId}`;
    throw new AppError('NOT_FOUND', `${where} lists a VM ${vmId}.`);
  }
  if (others.length === 0) return vm;
  const nameOf = await siteNames(parts);
  const sites = found.map(({ sourceId }) => ({ site_id: sourceId, name: nameOf(sourceId) }));
  const choice = sites.map((site) => `${site.name ?? 'image files'} (${site.site_id})`).join(', ');
  throw new AppError('INVALID_REQUEST', `Several sites list the VM ${vmId}; name one as site_id: ${choice}.`, {
    sites,
  });
}
