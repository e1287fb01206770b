import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { bytes, id, instant, limit, noBody, nothing } from './fields.ts';
import { evidence } from './migrations.ts';

/** The observed fact that a volume is a device, true from `observed_at` until `ended_at`. */
export const mapping = z.object({
  id,
  volume_id: id,
  vm_id: id,
  host_id: z.string(),
  device_path: z.string(),
  dev: z.string(),
  diskseq: z.string().nullable(),
  serial: z.string(),
  size_bytes: bytes,
  boot_id: z.string(),
  evidence,
  observed_at: instant,
  ended_at: instant.nullable(),
  ended_because: z.string().nullable(),
});
export type DeviceMapping = z.infer<typeof mapping>;

export const volume = z.object({
  /** CloudStack's UUID. */
  volume_id: id,
  name: z.string(),
  size_bytes: bytes,
  status: z.enum(['creating', 'available', 'attached', 'detached', 'deleted']),
  job_id: id.nullable(),
  /** True from the first export on: deleting it then needs `confirm`. */
  received_data: z.boolean(),
  /** The newest observation; history once `ended_at` is set. Null before the first proof. */
  mapping: mapping.nullable(),
  created_at: instant,
  updated_at: instant,
});
export type Volume = z.infer<typeof volume>;

export const listVolumes = endpoint({
  id: 'volumes.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/volumes',
  summary: 'Volumes this console made, each with its newest device mapping',
  status: 200,
  params: nothing,
  query: z.strictObject({ limit }),
  body: noBody,
  reply: z.object({ volumes: z.array(volume) }),
  errors: ['INVALID_REQUEST'],
});
