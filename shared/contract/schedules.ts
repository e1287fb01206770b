import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { id, instant, limit, noBody, nothing } from './fields.ts';

const cron = z.string().trim().min(1).max(200);
const timeZone = z.string().trim().min(1).max(100);
/** Spreads schedules of one time; the delay of an occurrence is always the same. */
const jitter = z.int().min(0).max(21_600);

export const scheduleRun = z.object({
  /** When it was due by the timetable, without jitter. At most one run ever has it. */
  occurrence: instant,
  /** The first occurrence that was missed, where this run stands for several. */
  missed_since: instant.nullable(),
  outcome: z.enum(['started', 'skipped']),
  migration_id: id.nullable(),
  /** Why it was skipped: code of the catalogue, and the cause. */
  code: z.string().nullable(),
  reason: z.string().nullable(),
  at: instant,
});
export type ScheduleRun = z.infer<typeof scheduleRun>;

export const schedule = z.object({
  schedule_id: id,
  vm_id: id,
  vm_name: z.string(),
  source_kind: z.string(),
  source_id: z.string(),
  cron: z.string(),
  time_zone: z.string(),
  jitter_seconds: z.int(),
  keep_attached: z.boolean(),
  enabled: z.boolean(),
  /** The next three; `starts_at` is with jitter. Empty while it is not enabled. */
  next: z.array(z.object({ occurrence: instant, starts_at: instant })),
  /** Why an occurrence that is due has not started yet; null otherwise. */
  waiting: z.string().nullable(),
  last_run: scheduleRun.nullable(),
  created_at: instant,
  updated_at: instant,
});
export type Schedule = z.infer<typeof schedule>;

const oneSchedule = z.strictObject({ schedule_id: id });

export const listSchedules = endpoint({
  id: 'schedules.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/schedules',
  summary: 'When which VM is replicated by itself, with the next occurrences',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({ schedules: z.array(schedule) }),
  errors: [],
});

export const addSchedule = endpoint({
  id: 'schedules.add',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/schedules',
  summary: 'Replicate a VM by a timetable: five fields of cron on the clocks of an IANA time zone',
  status: 201,
  params: nothing,
  query: nothing,
  body: z.strictObject({
    vm_id: id,
    /** Which site's VM is meant, where several list it. */
    site_id: id.optional(),
    cron,
    time_zone: timeZone,
    jitter_seconds: jitter.default(0),
    keep_attached: z.boolean().default(false),
    enabled: z.boolean().default(true),
  }),
  reply: schedule,
  errors: ['INVALID_REQUEST', 'IDEMPOTENCY_KEY_REUSED', 'NOT_FOUND', 'SOURCE_UNREADABLE', 'DATA_DIR_FULL'],
});

export const getSchedule = endpoint({
  id: 'schedules.get',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/schedules/:schedule_id',
  summary: 'One schedule with its next occurrences',
  status: 200,
  params: oneSchedule,
  query: nothing,
  body: noBody,
  reply: schedule,
  errors: ['NOT_FOUND'],
});

export const changeSchedule = endpoint({
  id: 'schedules.change',
  tag: 'OMA',
  method: 'PUT',
  path: '/api/v1/schedules/:schedule_id',
  summary: 'Change a schedule; what was due under an old timetable, or while it was not enabled, is not caught up',
  status: 200,
  params: oneSchedule,
  query: nothing,
  body: z
    .strictObject({
      cron,
      time_zone: timeZone,
      jitter_seconds: jitter,
      keep_attached: z.boolean(),
      enabled: z.boolean(),
    })
    .partial(),
  reply: schedule,
  errors: ['NOT_FOUND', 'INVALID_REQUEST', 'DATA_DIR_FULL'],
});

export const removeSchedule = endpoint({
  id: 'schedules.remove',
  tag: 'OMA',
  method: 'DELETE',
  path: '/api/v1/schedules/:schedule_id',
  summary: 'Forget a schedule and its runs; the migrations that it started stay',
  status: 200,
  params: oneSchedule,
  query: nothing,
  body: noBody,
  reply: z.object({ schedule_id: id }),
  errors: ['NOT_FOUND'],
});

export const listScheduleRuns = endpoint({
  id: 'schedules.runs',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/schedules/:schedule_id/runs',
  summary: 'What became of its occurrences, newest first: the migration that was started, or why none was',
  status: 200,
  params: oneSchedule,
  query: z.strictObject({ limit }),
  body: noBody,
  reply: z.object({ runs: z.array(scheduleRun) }),
  errors: ['NOT_FOUND', 'INVALID_REQUEST'],
});
