import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { bytes, errorBody, id, instant, limit, noBody, nothing } from './fields.ts';
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
  /** `made` by this console, or `adopted`: it was there before. */
  origin: z.enum(['made', 'adopted']).default('made'),
  /** `replica` is written by migrations; `test` and `live` were booted, and only a person may touch `live` ones. */
  role: z.enum(['replica', 'test', 'live']).default('replica'),
  /** The migration that made it or last took it into use. */
  job_id: id.nullable(),
  /** The source disk whose bytes it is for; a later migration of that disk uses it again. */
  source_disk: z.string().nullable().default(null),
  metadata: z.record(z.string(), z.string()).default({}),
  /** True from the first export on: deleting it then needs `confirm`. */
  received_data: z.boolean(),
  /** The newest observation; history once `ended_at` is set. Null before the first proof. */
  mapping: mapping.nullable(),
  created_at: instant,
  updated_at: instant,
});
export type Volume = z.infer<typeof volume>;

const withId = z.strictObject({ id });
const reads = { tag: 'Volume Daemon', method: 'GET', status: 200, query: nothing, body: noBody } as const;

export const listVolumes = endpoint({
  ...reads,
  id: 'volumes.list',
  tag: 'OMA',
  path: '/api/v1/volumes',
  summary: 'Volumes this console made or adopted, each with its newest device mapping',
  params: nothing,
  query: z.strictObject({ limit }),
  reply: z.object({ volumes: z.array(volume) }),
  errors: ['INVALID_REQUEST'],
});

/** What CloudStack says of a volume at the moment of asking. */
export const cloudVolume = z.object({
  state: z.string(),
  vm_id: id.nullable(),
  device_id: z.int().nullable(),
  size_bytes: bytes,
  /** Whose it is by its tag: `ours`, `nobody`, or the install id of another console. */
  owner: z.string(),
});

export const getVolume = endpoint({
  ...reads,
  id: 'volumes.get',
  path: '/api/v1/volumes/:id',
  summary: 'One volume: what the records say and what CloudStack says now',
  params: withId,
  reply: volume.extend({
    /** Null when CloudStack no longer lists it, or could not be asked: then `cloud_error` says why. */
    cloud: cloudVolume.nullable(),
    cloud_error: errorBody.nullable(),
  }),
  errors: ['NOT_FOUND'],
});

/** A mapping that was compared with the host's devices just now. */
const verifiedDevice = z.object({
  volume_id: id,
  device_path: z.string(),
  vm_id: id,
  attached_at: instant,
  mapping_id: id,
  host_id: z.string(),
  boot_id: z.string(),
  dev: z.string(),
  diskseq: z.string().nullable(),
  serial: z.string(),
  size_bytes: bytes,
  evidence,
  verified_at: instant,
});
export type VerifiedDevice = z.infer<typeof verifiedDevice>;

export const getVolumeDevice = endpoint({
  ...reads,
  id: 'volumes.device',
  path: '/api/v1/volumes/:id/device',
  summary: 'The device of a volume on the appliance, compared with the host now; no mapping that holds is 404',
  params: withId,
  reply: verifiedDevice,
  errors: ['MAPPING_NOT_FOUND', 'DEVICE_CHANGED', 'HOST_UNREADABLE'],
});

export const getDeviceVolume = endpoint({
  ...reads,
  id: 'devices.volume',
  path: '/api/v1/devices/:path/volume',
  summary: 'The volume of a device, such as %2Fdev%2Fvdc or vdc, compared with the host now',
  params: z.strictObject({ path: z.string().min(1).max(255) }),
  reply: verifiedDevice,
  errors: ['INVALID_REQUEST', 'MAPPING_NOT_FOUND', 'DEVICE_CHANGED', 'HOST_UNREADABLE'],
});

export const listVmVolumes = endpoint({
  ...reads,
  id: 'vms.volumes',
  path: '/api/v1/vms/:id/volumes',
  summary: 'The volumes of a VM as CloudStack lists them now, with what the records say of each',
  params: withId,
  reply: z.object({
    vm_id: id,
    volumes: z.array(
      cloudVolume.extend({
        volume_id: id,
        name: z.string(),
        type: z.enum(['ROOT', 'DATADISK']),
        /** Null for a volume that the records do not know. */
        record: volume.nullable(),
      }),
    ),
  }),
  errors: ['NOT_FOUND', 'CLOUD_UNREACHABLE', 'CLOUD_AUTH', 'SITE_MISSING'],
});
