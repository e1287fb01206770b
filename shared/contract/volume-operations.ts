import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { id, noBody, nothing } from './fields.ts';
import { operation } from './operations.ts';

/** Every one of them answers at once with the operation, `pending`; GET /api/v1/operations/{id} tells what became of it. */
const begins = { tag: 'Volume Daemon', status: 201, query: nothing, reply: operation } as const;
const withId = z.strictObject({ id });

/** CloudStack refuses control characters anywhere in a value; its column holds 255 characters, our id takes 37 of them. */
const volumeName = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\u0000-\u001f\u007f]+$/, 'no control characters');

export const createVolume = endpoint({
  ...begins,
  id: 'volumes.create',
  method: 'POST',
  path: '/api/v1/volumes',
  summary: 'Make a volume; its name in CloudStack is the given one with the id of the operation behind it',
  params: nothing,
  body: z.strictObject({
    name: volumeName,
    /** Bytes; CloudStack makes whole GiB, so it is rounded up. */
    size: z.int().min(1),
    disk_offering_id: id,
    zone_id: id,
    metadata: z.record(z.string().max(128), z.string().max(1024)).optional(),
  }),
  errors: ['INVALID_REQUEST', 'IDEMPOTENCY_KEY_REUSED', 'SITE_MISSING', 'DATA_DIR_FULL'],
});

const attaching = {
  ...begins,
  method: 'POST',
  params: withId,
  body: z.strictObject({ vm_id: id }),
  errors: [
    'INVALID_REQUEST',
    'VOLUME_BUSY',
    'VOLUME_IN_USE',
    'IDEMPOTENCY_KEY_REUSED',
    'SITE_MISSING',
    'DATA_DIR_FULL',
  ],
} as const;

export const attachVolume = endpoint({
  ...attaching,
  id: 'volumes.attach',
  path: '/api/v1/volumes/:id/attach',
  summary:
    'Attach a volume; on the appliance its device is proved, and one that is attached already is adopted (rule D5)',
});

export const attachRootVolume = endpoint({
  ...attaching,
  id: 'volumes.attach-root',
  path: '/api/v1/volumes/:id/attach-root',
  summary: 'Attach a volume as the root disk of a stopped VM that has none',
});

export const detachVolume = endpoint({
  ...begins,
  id: 'volumes.detach',
  method: 'POST',
  path: '/api/v1/volumes/:id/detach',
  summary: 'Detach a volume from the VM it is on; refused while anything uses its device',
  params: withId,
  body: z.strictObject({}).optional(),
  errors: [...attaching.errors, 'NOT_FOUND'],
});

export const deleteVolume = endpoint({
  ...begins,
  id: 'volumes.delete',
  method: 'DELETE',
  path: '/api/v1/volumes/:id',
  summary: 'Delete a detached volume of ours; one that holds received data needs its name as `confirm` (rule J4)',
  params: withId,
  query: z.strictObject({ confirm: z.string().optional() }),
  body: noBody,
  errors: [...attaching.errors, 'NOT_FOUND', 'CONFIRM_REQUIRED'],
});

export const cleanUpTestFailover = endpoint({
  ...begins,
  id: 'cleanup.test-failover',
  method: 'POST',
  path: '/api/v1/cleanup/test-failover',
  summary: 'Stop the test VM, take the volume off it and back to the appliance; delete the VM if asked to',
  params: nothing,
  body: z.strictObject({
    test_vm_id: id,
    volume_id: id,
    oma_vm_id: id,
    delete_vm: z.boolean().default(false),
    /** Powers the VM off instead of asking it, and goes on where it is gone already. */
    force_clean: z.boolean().default(false),
  }),
  errors: attaching.errors,
});

export const forceSync = endpoint({
  ...begins,
  id: 'admin.force-sync',
  method: 'POST',
  path: '/api/v1/admin/force-sync',
  summary:
    'Compare CloudStack, the appliance and the records; expire, adopt and report. Never detaches, deletes or writes',
  params: nothing,
  body: z.strictObject({}).optional(),
  errors: ['IDEMPOTENCY_KEY_REUSED', 'SITE_MISSING', 'DATA_DIR_FULL'],
});
