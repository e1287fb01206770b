import type { Handlers } from '../../../shared/contract/calls.ts';
import type { Schedule, ScheduleRun } from '../../../shared/contract/schedules.ts';
import { AppError } from '../../../shared/errors.ts';
import { firstAfter, requireTimetable } from '../../domain/timetable.ts';
import type { ScheduleRow, ScheduleRunRow } from '../../ports/schedules.ts';
import { requireVm } from '../list-vms.ts';
import type { UsecaseParts } from '../parts.ts';
import { firstUnsettled, startOf } from './occurrences.ts';

const nextShown = 3;

export const listSchedules =
  (parts: UsecaseParts): Handlers['listSchedules'] =>
  async () => ({
    schedules: await Promise.all((await parts.rows.schedules.list()).map((row) => scheduleDocument(parts, row))),
  });

export const getSchedule =
  (parts: UsecaseParts): Handlers['getSchedule'] =>
  async ({ params }) =>
    await scheduleDocument(parts, await requireSchedule(parts, params.schedule_id));

export const addSchedule =
  (parts: UsecaseParts): Handlers['addSchedule'] =>
  async ({ body }, { signal, actor, requestId }) => {
    const now = parts.clock.now();
    const timetable = { cron: body.cron, timeZone: body.time_zone };
    requireTimetable(timetable, now);
    const vm = await requireVm(parts, body.vm_id, { siteId: body.site_id, signal });
    const row: ScheduleRow = {
      id: requestId ?? parts.ids.next(),
      ...{ sourceKind: vm.sourceKind, sourceId: vm.sourceId, vmId: vm.vmId, vmName: vm.name },
      ...timetable,
      jitterSeconds: body.jitter_seconds,
      keepAttached: body.keep_attached,
      enabled: body.enabled,
      ...{ since: now, createdAt: now, updatedAt: now },
    };
    await parts.store.write(async (tx) => {
      await parts.rows.schedules.put(tx, row);
      const details = { vm_id: row.vmId, vm_name: row.vmName, ...timetable };
      await parts.rows.audit.append(tx, { actor, act: 'schedule.add', subject: row.id, details });
    });
    return await scheduleDocument(parts, row);
  };

export const changeSchedule =
  (parts: UsecaseParts): Handlers['changeSchedule'] =>
  async ({ params, body }, { actor }) => {
    const old = await requireSchedule(parts, params.schedule_id);
    const now = parts.clock.now();
    const row: ScheduleRow = {
      ...old,
      cron: body.cron ?? old.cron,
      timeZone: body.time_zone ?? old.timeZone,
      jitterSeconds: body.jitter_seconds ?? old.jitterSeconds,
      keepAttached: body.keep_attached ?? old.keepAttached,
      enabled: body.enabled ?? old.enabled,
      updatedAt: now,
    };
    requireTimetable(row, now);
    const starts = row.enabled && !old.enabled;
    const since = starts || row.cron !== old.cron || row.timeZone !== old.timeZone ? now : old.since;
    await parts.store.write(async (tx) => {
      await parts.rows.schedules.put(tx, { ...row, since });
      await parts.rows.audit.append(tx, { actor, act: 'schedule.change', subject: row.id, details: body });
    });
    return await scheduleDocument(parts, { ...row, since });
  };

export const removeSchedule =
  (parts: UsecaseParts): Handlers['removeSchedule'] =>
  async ({ params }, { actor }) => {
    const { id, vmName } = await requireSchedule(parts, params.schedule_id);
    await parts.store.write(async (tx) => {
      await parts.rows.schedules.remove(tx, id);
      await parts.rows.audit.append(tx, { actor, act: 'schedule.remove', subject: id, details: { vm_name: vmName } });
    });
    return { schedule_id: id };
  };

export const listScheduleRuns =
  (parts: UsecaseParts): Handlers['listScheduleRuns'] =>
  async ({ params, query }) => {
    const { id } = await requireSchedule(parts, params.schedule_id);
    return { runs: (await parts.rows.schedules.runs(id, query.limit)).map(runDocument) };
  };

async function requireSchedule({ rows }: UsecaseParts, id: string): Promise<ScheduleRow> {
  const row = await rows.schedules.get(id);
  if (row === null) throw new AppError('NOT_FOUND', `There is no schedule ${id}.`);
  return row;
}

async function scheduleDocument(parts: UsecaseParts, row: ScheduleRow): Promise<Schedule> {
  const [lastRun] = await parts.rows.schedules.runs(row.id, 1);
  return {
    schedule_id: row.id,
    vm_id: row.vmId,
    vm_name: row.vmName,
    source_kind: row.sourceKind,
    source_id: row.sourceId,
    cron: row.cron,
    time_zone: row.timeZone,
    jitter_seconds: row.jitterSeconds,
    keep_attached: row.keepAttached,
    enabled: row.enabled,
    next: row.enabled ? await nextOf(parts, row) : [],
    waiting: row.enabled ? parts.scheduler.waiting(row.id) : null,
    last_run: lastRun === undefined ? null : runDocument(lastRun),
    created_at: row.createdAt,
    updated_at: row.updatedAt,
  };
}

async function nextOf(parts: UsecaseParts, row: ScheduleRow): Promise<Schedule['next']> {
  const next: Schedule['next'] = [];
  let at = await firstUnsettled(parts, row, parts.clock.now());
  for (; at !== null && next.length < nextShown; at = firstAfter(row, at))
    next.push({ occurrence: at, starts_at: startOf(parts, row, at) });
  return next;
}

const runDocument = (run: ScheduleRunRow): ScheduleRun => ({
  occurrence: run.occurrence,
  missed_since: run.missedSince,
  outcome: run.migrationId === null ? 'skipped' : 'started',
  migration_id: run.migrationId,
  code: run.code,
  reason: run.reason,
  at: run.at,
});
