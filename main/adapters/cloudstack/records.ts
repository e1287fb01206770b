import { z } from 'zod';
import type { CloudDiskOffering, CloudSnapshot, CloudVm, CloudVolume, CloudZone } from '../../ports/cloud.ts';
import { id } from './replies.ts';

const tags = z
  .array(z.looseObject({ key: z.string(), value: z.string().default('') }))
  .default([])
  .transform((all): Readonly<Record<string, string>> => Object.fromEntries(all.map(({ key, value }) => [key, value])));

const volume = z
  .looseObject({
    id,
    name: z.string(),
    state: z.string(),
    type: z.string(),
    size: z.coerce.number().int().nonnegative(),
    zoneid: id,
    virtualmachineid: id.nullish(),
    deviceid: z.coerce.number().int().nullish(),
    jobid: id.nullish(),
    jobstatus: z.coerce.number().int().nullish(),
    tags,
  })
  .transform(
    (raw): CloudVolume => ({
      id: raw.id,
      name: raw.name,
      state: raw.state,
      // Only a data disk is ever ours; whatever else a server may list is treated like a root disk and left alone.
      type: raw.type === 'DATADISK' ? 'DATADISK' : 'ROOT',
      sizeBytes: raw.size,
      zoneId: raw.zoneid,
      vmId: raw.virtualmachineid ?? null,
      deviceId: typeof raw.virtualmachineid === 'string' ? (raw.deviceid ?? null) : null,
      pendingJobId: raw.jobstatus === 0 ? (raw.jobid ?? null) : null,
      tags: raw.tags,
    }),
  );

const vm = z
  .looseObject({ id, name: z.string(), state: z.string(), zoneid: id, tags })
  .transform((raw): CloudVm => ({ id: raw.id, name: raw.name, state: raw.state, zoneId: raw.zoneid, tags: raw.tags }));

const snapshot = z
  .looseObject({ id, name: z.string(), volumeid: id, state: z.string() })
  .transform((raw): CloudSnapshot => ({ id: raw.id, name: raw.name, volumeId: raw.volumeid, state: raw.state }));

const zone = z.looseObject({ id, name: z.string() }).transform((raw): CloudZone => ({ id: raw.id, name: raw.name }));

const diskOffering = z
  .looseObject({
    id,
    name: z.string(),
    disksize: z.coerce.number().nonnegative().optional(),
    iscustomized: z.boolean(),
  })
  .transform(
    (raw): CloudDiskOffering => ({
      id: raw.id,
      name: raw.name,
      sizeGib: raw.iscustomized ? null : (raw.disksize ?? null),
    }),
  );

/** The name of the array in a list's reply, and what is in it. */
export const records = {
  volume: { name: 'volume', schema: volume },
  vm: { name: 'virtualmachine', schema: vm },
  snapshot: { name: 'snapshot', schema: snapshot },
  zone: { name: 'zone', schema: zone },
  diskOffering: { name: 'diskoffering', schema: diskOffering },
  /** -1: no limit. */
  resourceLimit: { name: 'resourcelimit', schema: z.looseObject({ max: z.coerce.number().int() }) },
  configuration: { name: 'configuration', schema: z.looseObject({ name: z.string(), value: z.string().optional() }) },
} as const;

export const capabilities = z.looseObject({
  capability: z.looseObject({ customdiskofferingmaxsize: z.coerce.number().int().positive().optional() }),
});
