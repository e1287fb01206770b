import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { CloudDiskOffering, CloudJob, CloudVm, CloudVolume, CloudZone } from '../../ports/cloud.ts';

/** CloudStack 2 and 3 have numbers where later versions have UUIDs. */
const id = z.union([z.string().min(1), z.number()]).transform(String);

const tags = z
  .array(z.looseObject({ key: z.string(), value: z.string() }))
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

/** An empty list has neither count nor array. */
const volumeList = z.looseObject({
  count: z.coerce.number().int().nonnegative().optional(),
  volume: z.array(volume).default([]),
});
const vm = z
  .looseObject({ id, name: z.string(), state: z.string(), tags })
  .transform((raw): CloudVm => ({ id: raw.id, name: raw.name, state: raw.state, tags: raw.tags }));
const vmList = z.looseObject({ virtualmachine: z.array(vm).default([]) });
const zoneList = z.looseObject({
  zone: z
    .array(z.looseObject({ id, name: z.string() }).transform((raw): CloudZone => ({ id: raw.id, name: raw.name })))
    .default([]),
});
const offering = z
  .looseObject({ id, name: z.string(), iscustomized: z.boolean(), disksize: z.coerce.number().int().nullish() })
  .transform(
    (raw): CloudDiskOffering => ({
      id: raw.id,
      name: raw.name,
      customSize: raw.iscustomized,
      sizeGib: raw.iscustomized ? null : (raw.disksize ?? null),
    }),
  );
const offeringList = z.looseObject({ diskoffering: z.array(offering).default([]) });
const started = z.looseObject({ jobid: id });
const created = z.looseObject({ jobid: id, id });
/** Old servers send the word. */
const succeeded = z.looseObject({ success: z.union([z.boolean(), z.enum(['true', 'false'])]) });
const jobResult = z.looseObject({
  jobstatus: z.coerce.number().int(),
  jobresultcode: z.coerce.number().int().default(0),
  jobresult: z
    .looseObject({ errorcode: z.coerce.number().int().optional(), errortext: z.string().optional() })
    .optional(),
});

type Content = Readonly<Record<string, unknown>>;

function parse<T>(command: string, schema: z.ZodType<T>, content: Content): T {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new AppError('CLOUD_REPLY_INVALID', `${command}: ${problems.join('; ')}`, { command });
}

/** `total` counts all pages; null from servers that do not say. */
export function readVolumes(content: Content): {
  readonly volumes: readonly CloudVolume[];
  readonly total: number | null;
} {
  const list = parse('listVolumes', volumeList, content);
  return { volumes: list.volume, total: list.count ?? null };
}

export const readVms = (content: Content): readonly CloudVm[] =>
  parse('listVirtualMachines', vmList, content).virtualmachine;
export const readZones = (content: Content): readonly CloudZone[] => parse('listZones', zoneList, content).zone;
export const readDiskOfferings = (content: Content): readonly CloudDiskOffering[] =>
  parse('listDiskOfferings', offeringList, content).diskoffering;

export const readStarted = (command: string, content: Content): { readonly jobId: string } => ({
  jobId: parse(command, started, content).jobid,
});

export function readCreated(command: string, content: Content): { readonly jobId: string; readonly volumeId: string } {
  const reply = parse(command, created, content);
  return { jobId: reply.jobid, volumeId: reply.id };
}

export function readSucceeded(command: string, content: Content): boolean {
  return String(parse(command, succeeded, content).success) === 'true';
}

export function readJob(content: Content): CloudJob {
  const job = parse('queryAsyncJobResult', jobResult, content);
  if (job.jobstatus === 0) return { state: 'pending' };
  if (job.jobstatus === 1) return { state: 'succeeded' };
  // 2 failed, 3 cancelled
  return {
    state: 'failed',
    code: job.jobresult?.errorcode ?? job.jobresultcode,
    text: job.jobresult?.errortext ?? 'CloudStack gave no reason.',
  };
}
