import { z } from 'zod';
import { endpoint } from '../endpoint.ts';
import { bytes, id, noBody, nothing } from '../fields.ts';
import { copyMethod } from './copy-method.ts';
import { diskKey, extent, ofVm, snapshotRef } from './fields.ts';

export const getCopyMethod = endpoint({
  id: 'vma.method',
  tag: 'VMA',
  method: 'GET',
  path: '/api/v1/vms/:vm_id/method',
  summary: 'How the disks of a VM would be read now, why so, and why not otherwise',
  status: 200,
  params: ofVm,
  query: nothing,
  body: noBody,
  reply: copyMethod,
  errors: ['NOT_FOUND', 'VM_STATE', 'SOURCE_UNREADABLE', 'MOVER_UNSAFE', 'VCENTER_UNREACHABLE', 'PROTOCOL_MISMATCH'],
});

export const freezeVm = endpoint({
  id: 'vma.freeze',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/vms/:vm_id/snapshots',
  summary: 'Take the snapshot of this id, with change tracking where it can be had. Repeatable',
  status: 201,
  handshake: true,
  params: ofVm,
  query: nothing,
  body: z.strictObject({ id, quiesce: z.boolean() }),
  reply: z.object({
    id,
    snapshot: z.string(),
    disks: z.array(
      z.object({
        disk_key: z.int(),
        capacity_bytes: bytes,
        /** As the snapshot names the frozen disk. */
        path: z.string(),
        /** Of the snapshot's own backing; null without change tracking. */
        change_id: z.string().nullable(),
      }),
    ),
  }),
  errors: [
    'INVALID_REQUEST',
    'NOT_FOUND',
    'PROTOCOL_MISMATCH',
    'SNAPSHOT_NOT_OURS',
    'VM_STATE',
    'VCENTER_BUSY',
    'VCENTER_PRIVILEGE',
    'VCENTER_REFUSED',
    'VCENTER_UNREACHABLE',
  ],
});

export const thawVm = endpoint({
  id: 'vma.thaw',
  tag: 'VMA',
  method: 'DELETE',
  path: '/api/v1/vms/:vm_id/snapshots/:id',
  summary: 'Remove the snapshot of this id if it is there; answers when the disks are consolidated',
  status: 200,
  handshake: true,
  params: z.strictObject({ vm_id: id, id }),
  query: nothing,
  body: noBody,
  reply: z.object({ id }),
  errors: ['NOT_FOUND', 'PROTOCOL_MISMATCH', 'SNAPSHOT_NOT_OURS', 'VCENTER_BUSY', 'VCENTER_UNREACHABLE'],
});

export const readChangedAreas = endpoint({
  id: 'vma.changed-areas',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/vms/:vm_id/changed-areas',
  summary: 'What changed on a disk between a change id and the snapshot; with `*` what is in use',
  status: 200,
  params: ofVm,
  query: nothing,
  body: z.strictObject({
    snapshot: z.string().min(1).max(200),
    disk_key: diskKey,
    capacity_bytes: bytes,
    since: z.string().min(1).max(200),
    until: z.string().min(1).max(200),
  }),
  reply: z.object({ areas: z.array(extent) }),
  errors: ['NOT_FOUND', 'CHANGES_UNKNOWN', 'VCENTER_UNREACHABLE', 'PROTOCOL_MISMATCH'],
});

export const readDiskState = endpoint({
  id: 'vma.disk-state',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/vms/:vm_id/disk-state',
  summary: 'What must stay the same while a disk is copied; refused where it cannot be copied as it is now',
  status: 200,
  params: ofVm,
  query: nothing,
  body: z.strictObject({ disk_key: diskKey, snapshot: snapshotRef }),
  reply: z.object({ fingerprint: z.string() }),
  errors: [
    'NOT_FOUND',
    'UNKNOWN_DISK',
    'VM_STATE',
    'SOURCE_CHANGED',
    'SOURCE_UNREADABLE',
    'SNAPSHOT_NOT_OURS',
    'VCENTER_UNREACHABLE',
    'PROTOCOL_MISMATCH',
  ],
});

export const cleanUpSnapshots = endpoint({
  id: 'vma.cleanup',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/cleanup',
  summary: 'Remove snapshots that this VMA took and nothing reads any more; those of others are left, and named',
  status: 200,
  handshake: true,
  params: nothing,
  query: nothing,
  body: z.union([z.strictObject({ job_id: id }), z.strictObject({ all: z.literal(true) })]),
  reply: z.object({
    removed: z.array(z.object({ id, vm: z.string(), name: z.string() })),
    left: z.array(z.object({ vm: z.string(), name: z.string(), snapshot: z.string().nullable(), because: z.string() })),
  }),
  errors: ['INVALID_REQUEST', 'PROTOCOL_MISMATCH', 'VCENTER_UNREACHABLE'],
});
