import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { bytes, id, noBody, nothing } from './fields.ts';

export const vmDisk = z.object({
  key: z.int(),
  label: z.string(),
  unit: z.string(),
  capacity_bytes: bytes,
  format: z.enum(['raw', 'qcow2', 'vmdk', 'ova']),
  path: z.string(),
});

export const vm = z.object({
  vm_id: id,
  source_kind: z.enum(['images', 'vsphere']),
  source_id: z.string(),
  name: z.string(),
  cpu_count: z.int(),
  memory_mib: z.int(),
  firmware: z.enum(['bios', 'efi']),
  guest_os: z.string(),
  power_state: z.enum(['on', 'off']),
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
