import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { bytes, id, instant, noBody, nothing } from './fields.ts';

export const vmDisk = z.object({
  key: z.int(),
  label: z.string(),
  unit: z.string(),
  capacity_bytes: bytes,
  format: z.enum(['raw', 'qcow2', 'vmdk', 'ova', 'datastore', 'snapshot', 'vma']),
  path: z.string(),
});

export const vm = z.object({
  vm_id: id,
  source_kind: z.enum(['images', 'vsphere']),
  source_id: z.string(),
  /** Name of the site that lists it; null for image files. */
  site_name: z.string().nullable(),
  name: z.string(),
  cpu_count: z.int(),
  memory_mib: z.int(),
  firmware: z.enum(['bios', 'efi']),
  guest_os: z.string(),
  power_state: z.enum(['on', 'off', 'suspended']),
  folder_path: z.string().nullable(),
  disks: z.array(vmDisk),
  nics: z.array(z.object({ label: z.string(), mac: z.string(), network: z.string() })),
});
export type Vm = z.infer<typeof vm>;

export const listVms = endpoint({
  id: 'vms.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/vms',
  summary: 'Every VM that the sources list, with its disks',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({ vms: z.array(vm) }),
  errors: ['SOURCE_UNREADABLE', 'PROGRAM_MISSING'],
});

type SnapshotTree = {
  mo_ref: string;
  name: string;
  created_at: string | null;
  state: 'on' | 'off' | 'suspended';
  children: SnapshotTree[];
};
const snapshotTree: z.ZodType<SnapshotTree> = z.lazy(() =>
  z.object({
    mo_ref: z.string(),
    name: z.string(),
    created_at: instant.nullable(),
    state: z.enum(['on', 'off', 'suspended']),
    children: z.array(snapshotTree),
  }),
);

/** A VM as its vCenter describes it; null where vCenter does not say. */
export const vsphereDetails = z.object({
  mo_ref: z.string(),
  bios_uuid: z.string().nullable(),
  datacenter: z.string().nullable(),
  host: z.string().nullable(),
  secure_boot: z.boolean().nullable(),
  tpm: z.boolean(),
  guest_id: z.string().nullable(),
  guest_host_name: z.string().nullable(),
  connection_state: z.string().nullable(),
  tools: z.object({ running: z.boolean(), version_status: z.string().nullable() }),
  annotation: z.string().nullable(),
  snapshots: z.array(snapshotTree),
  change_tracking: z.boolean().nullable(),
  change_version: z.string().nullable(),
  consolidation_needed: z.boolean().nullable(),
  hardware_version: z.string().nullable(),
  disks: z.array(
    z.object({
      key: z.int(),
      controller: z.string().nullable(),
      datastore: z.string().nullable(),
      parent_paths: z.array(z.string()),
      provisioning: z.enum(['thin', 'lazy', 'eager']).nullable(),
      mode: z.string().nullable(),
      sharing: z.enum(['none', 'multi_writer', 'virtual_bus', 'physical_bus']),
      rdm: z.enum(['physical', 'virtual']).nullable(),
      encrypted: z.boolean(),
      uuid: z.string().nullable(),
      backing: z.string().nullable(),
      change_id: z.string().nullable(),
    }),
  ),
  nics: z.array(
    z.object({
      key: z.int(),
      label: z.string(),
      mac: z.string().nullable(),
      adapter: z.string().nullable(),
      network: z.string().nullable(),
      connected: z.boolean().nullable(),
      guest_addresses: z.array(z.string()),
    }),
  ),
});

export type VsphereDetails = z.infer<typeof vsphereDetails>;

export const getVm = endpoint({
  id: 'vms.get',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/vms/:vm_id',
  summary: 'One VM; of a VM in a vCenter all that vCenter tells of it',
  status: 200,
  params: z.strictObject({ vm_id: id }),
  /** Which site's, where several list the same VM. */
  query: z.strictObject({ site_id: id.optional() }),
  body: noBody,
  reply: vm.extend({ vsphere: vsphereDetails.nullable() }),
  errors: ['NOT_FOUND', 'SOURCE_UNREADABLE'],
});
