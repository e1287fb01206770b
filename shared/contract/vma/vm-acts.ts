import { z } from 'zod';
import { endpoint } from '../endpoint.ts';
import { id, noBody, nothing } from '../fields.ts';
import { vmDocument } from './discover.ts';
import { ofVm } from './fields.ts';

const powerState = z.object({
  vm_id: id,
  /** null: vCenter does not say. */
  power_state: z.enum(['on', 'off', 'suspended']).nullable(),
});

export const getPowerState = endpoint({
  id: 'vma.power-state',
  tag: 'VMA',
  method: 'GET',
  path: '/api/v1/vms/:vm_id/power-state',
  summary: 'The power state of a VM, asked of its vCenter now',
  status: 200,
  params: ofVm,
  query: nothing,
  body: noBody,
  reply: powerState,
  errors: ['NOT_FOUND', 'VCENTER_UNREACHABLE', 'PROTOCOL_MISMATCH'],
});

export const powerOn = endpoint({
  id: 'vma.power-on',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/vms/:vm_id/power-on',
  summary: 'Switch a VM on; answers when vCenter says that it is on',
  status: 200,
  handshake: true,
  params: ofVm,
  query: nothing,
  body: nothing,
  reply: powerState,
  errors: ['NOT_FOUND', 'VM_STATE', 'VCENTER_BUSY', 'VCENTER_REFUSED', 'VCENTER_UNREACHABLE', 'PROTOCOL_MISMATCH'],
});

export const powerOff = endpoint({
  id: 'vma.power-off',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/vms/:vm_id/power-off',
  summary: 'Shut down the guest, or cut its power; answers only when vCenter says that the VM is off',
  status: 200,
  handshake: true,
  params: ofVm,
  query: nothing,
  body: z.strictObject({
    mode: z.enum(['guest', 'hard']),
    /** How long the guest may take. */
    timeout_seconds: z.int().min(1).max(3600).default(300),
  }),
  reply: powerState,
  errors: [
    'NOT_FOUND',
    'GUEST_STILL_ON',
    'VM_STATE',
    'VCENTER_BUSY',
    'VCENTER_REFUSED',
    'VCENTER_UNREACHABLE',
    'PROTOCOL_MISMATCH',
  ],
});

const changeTracking = z.object({
  vm_id: id,
  /** null: vCenter does not say. */
  enabled: z.boolean().nullable(),
  disks: z.array(z.object({ disk_key: z.int(), change_id: z.string().nullable() })),
});

export const getChangeTracking = endpoint({
  id: 'vma.cbt',
  tag: 'VMA',
  method: 'GET',
  path: '/api/v1/vms/:vm_id/cbt',
  summary: 'Whether changes of the disks of a VM are tracked',
  status: 200,
  params: ofVm,
  query: nothing,
  body: noBody,
  reply: changeTracking,
  errors: ['NOT_FOUND', 'VCENTER_UNREACHABLE', 'PROTOCOL_MISMATCH'],
});

export const enableChangeTracking = endpoint({
  id: 'vma.enable-cbt',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/vms/:vm_id/cbt',
  summary: 'Track changes from now on; of a running VM from its next snapshot on',
  status: 200,
  handshake: true,
  params: ofVm,
  query: nothing,
  body: nothing,
  reply: changeTracking,
  errors: ['NOT_FOUND', 'VM_STATE', 'VCENTER_BUSY', 'VCENTER_REFUSED', 'VCENTER_UNREACHABLE', 'PROTOCOL_MISMATCH'],
});

export const compareSpec = endpoint({
  id: 'vma.spec-changes',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/vms/:vm_id/spec-changes',
  summary: 'What of a VM differs from a document that was read earlier',
  status: 200,
  params: ofVm,
  query: nothing,
  body: z.strictObject({ known: vmDocument }),
  reply: z.object({ changes: z.array(z.object({ field: z.string(), was: z.unknown(), is: z.unknown() })) }),
  errors: ['INVALID_REQUEST', 'NOT_FOUND', 'PROTOCOL_MISMATCH'],
});
