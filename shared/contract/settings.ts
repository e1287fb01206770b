import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { noBody, nothing } from './fields.ts';

export const settings = z.strictObject({
  /** Added to the capacity of a source disk before it is rounded up to whole GiB. */
  headroom_gib: z.int().min(0).max(1024),
  /** What one mover run sends at most; a crash sends at most this much of a disk again. */
  segment_mib: z.int().min(1).max(65536),
  /** Movers and hashers that run at the same time on this appliance. */
  parallel_transfers: z.int().min(1).max(32),
  /** Migrations that schedules have under way at the same time; those a person starts do not count. */
  scheduled_migrations: z.int().min(1).max(100),
  /** Data disks this appliance takes; the smaller of the cloud's limit and its free PCI slots. */
  attach_slots: z.int().min(1).max(64),
  /** Whether a migration goes on with the volume of an earlier migration of the same disk. */
  reuse_volumes: z.boolean(),
  /** Per mover; null is unlimited. */
  rate_mib_per_second: z.int().min(1).nullable(),
});
export type Settings = z.infer<typeof settings>;

export const defaultSettings: Settings = {
  headroom_gib: 5,
  segment_mib: 1024,
  parallel_transfers: 2,
  scheduled_migrations: 4,
  attach_slots: 26,
  reuse_volumes: true,
  rate_mib_per_second: null,
};

export const getSettings = endpoint({
  id: 'settings.get',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/settings',
  summary: 'Settings of this data directory',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: settings,
  errors: [],
});

export const changeSettings = endpoint({
  id: 'settings.change',
  tag: 'OMA',
  method: 'PUT',
  path: '/api/v1/settings',
  summary: 'Change some settings; a disk that already started keeps its volume size',
  status: 200,
  params: nothing,
  query: nothing,
  body: settings.partial(),
  reply: settings,
  errors: ['INVALID_REQUEST'],
});
