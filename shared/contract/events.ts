import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { nbdExport } from './exports.ts';
import { bytes, id, instant, noBody, nothing } from './fields.ts';
import { migration } from './migrations.ts';
import { operation } from './operations.ts';
import { volume } from './volumes.ts';

/** A change of state. `seq` is persisted and without gaps; the entity is whole, so the newest one wins. */
const body = z.discriminatedUnion('type', [
  z.object({ type: z.literal('migration.changed'), migration }),
  z.object({ type: z.literal('operation.changed'), operation }),
  z.object({ type: z.literal('volume.changed'), volume }),
  z.object({ type: z.literal('export.changed'), export: nbdExport }),
  /** VMs of this site came, went or changed: the list is worth asking for again. */
  z.object({ type: z.literal('inventory.changed'), site_id: id }),
  /** It was made, changed, removed, or an occurrence of it was settled: it is worth asking for again. */
  z.object({ type: z.literal('schedule.changed'), schedule_id: id }),
  z.object({
    type: z.literal('log.line'),
    level: z.enum(['info', 'warn', 'error']),
    job_id: id.nullable(),
    message: z.string(),
    fields: z.record(z.string(), z.unknown()),
  }),
]);
export type EventBody = z.infer<typeof body>;

export const event = z.object({ seq: z.int(), at: instant, body });
export type Event = z.infer<typeof event>;

/** Live figures of one disk: no seq, the latest wins, a lost one does not matter. */
export const progressFrame = z.object({
  job_id: id,
  disk_key: z.int(),
  activity: z.enum(['transfer', 'hash-source', 'hash-target', 'prove-blank']),
  bytes_done: bytes,
  bytes_total: bytes,
  rate_bytes_per_second: z.number().nullable(),
  clients: z.int(),
});
export type ProgressFrame = z.infer<typeof progressFrame>;

export const feedMessage = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('event'), event }),
  z.object({ kind: z.literal('progress'), frame: progressFrame }),
  /** The history before `oldest_seq` is gone: read everything again, then go on after `newest_seq`. */
  z.object({ kind: z.literal('resync'), oldest_seq: z.int(), newest_seq: z.int() }),
]);
export type FeedMessage = z.infer<typeof feedMessage>;

export const listEvents = endpoint({
  id: 'events.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/events',
  summary: 'Events after a seq; with Accept: text/event-stream a live stream of feed messages',
  status: 200,
  params: nothing,
  query: z.strictObject({
    after: z.coerce.number().int().min(0).default(0),
    limit: z.coerce.number().int().min(1).max(1000).default(500),
  }),
  body: noBody,
  reply: z.object({ resync: z.boolean(), newest_seq: z.int(), events: z.array(event) }),
  errors: ['INVALID_REQUEST'],
});
