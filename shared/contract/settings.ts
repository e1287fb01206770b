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
  /** Data disks this appliance takes; the smaller of the cloud's limit and its free PCI slots. */
  attach_slots: z.int().min(1).max(64),
  /** Whether a migration goes on with the volume of an earlier migration of the same disk. */
  reuse_volumes: z.boolean(),
  /** Of the chunks that a delta proof carries, how many are read again at both ends; they take turns. */
  sample_percent: z.int().min(1).max(100),
  /** What all movers together may send, shared fairly; null is unlimited. */
  rate_mib_per_second: z.int().min(1).nullable(),
  /** What all movers that read from one ESXi host may send together; null is unlimited. */
  host_rate_mib_per_second: z.int().min(1).nullable(),
  /** Disks that are read from one ESXi host at the same time, for copies and for proofs. */
  reads_per_host: z.int().min(1).max(64),
  /** The same through one vCenter. */
  reads_per_vcenter: z.int().min(1).max(512),
  /** Where VMware's disk library lies; null: where it usually does. */
  vddk_libdir: z.string().startsWith('/').nullable(),
});
export type Settings = z.infer<typeof settings>;

export const defaultSettings: Settings = {
  headroom_gib: 5,
  segment_mib: 1024,
  parallel_transfers: 2,
  attach_slots: 26,
  reuse_volumes: true,
  sample_percent: 5,
  rate_mib_per_second: null,
  host_rate_mib_per_second: null,
  reads_per_host: 8,
  reads_per_vcenter: 52,
  vddk_libdir: null,
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
