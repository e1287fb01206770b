import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { CloudJob } from '../../ports/cloud.ts';

/** CloudStack 2 and 3 have numbers where later versions have UUIDs. */
export const id = z.union([z.string().min(1), z.number()]).transform(String);

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

export type Content = Readonly<Record<string, unknown>>;

export function parse<T>(command: string, schema: z.ZodType<T>, content: unknown): T {
  const parsed = schema.safeParse(content);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new AppError('CLOUD_REPLY_INVALID', `${command}: ${problems.join('; ')}`, { command });
}

/** `total` counts all pages; null from servers that do not say. An empty list has neither count nor array. */
export function readList<T>(
  command: string,
  item: { readonly name: string; readonly schema: z.ZodType<T> },
  content: Content,
): { readonly items: readonly T[]; readonly total: number | null } {
  const count = z.coerce.number().int().nonnegative().optional();
  return {
    items: parse(command, z.array(item.schema).default([]), content[item.name]),
    total: parse(command, count, content['count']) ?? null,
  };
}

export const readStarted = (command: string, content: Content): { readonly jobId: string } => ({
  jobId: parse(command, started, content).jobid,
});

/** An async create: the record is there already. */
export function readCreated(command: string, content: Content): { readonly jobId: string; readonly id: string } {
  const reply = parse(command, created, content);
  return { jobId: reply.jobid, id: reply.id };
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
