import { type Client, createClient } from '../../shared/client/client.ts';
import type { Schedule, ScheduleRun } from '../../shared/contract/schedules.ts';
import { AppError } from '../../shared/errors.ts';
import { connect } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { requireDataDir } from './serve.ts';
import type { Surroundings } from './surroundings.ts';
import { siteIn, vmNamed } from './vm.ts';

const clientOf = (args: Arguments, around: Surroundings): Client =>
  createClient(connect(requireDataDir(args, around.env)).transport);

/** `ossea schedule add VM --cron '30 2 * * *'`: on the clocks of this machine's zone unless told. */
export async function scheduleAdd(args: Arguments, around: Surroundings): Promise<number> {
  const wanted = args.words[2];
  const { cron, zone, jitterSeconds, keepAttached } = args.timetable;
  if (wanted === undefined || cron === null || args.words.length > 3)
    throw new AppError('INVALID_REQUEST', 'ossea schedule add takes one VM and --cron with five fields in quotes.');
  const client = clientOf(args, around);
  const vm = await vmNamed(client, { wanted, site: args.site }, around);
  const timeZone = zone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const body = {
    vm_id: vm.vm_id,
    ...siteIn(vm),
    cron,
    time_zone: timeZone,
    jitter_seconds: jitterSeconds,
    keep_attached: keepAttached,
  };
  const schedule = await client.call('addSchedule', { body }, around);
  around.out(args.json ? `${JSON.stringify(schedule)}\n` : `${lineOf(schedule)}\n`);
  return exitCodes.done;
}

/** `ossea schedule list`: what is due next. */
export async function scheduleList(args: Arguments, around: Surroundings): Promise<number> {
  const { schedules } = await clientOf(args, around).call('listSchedules', {}, around);
  around.out(args.json ? `${JSON.stringify({ schedules })}\n` : schedules.map((one) => `${lineOf(one)}\n`).join(''));
  return exitCodes.done;
}

const lineOf = (schedule: Schedule): string =>
  [
    schedule.schedule_id,
    schedule.vm_name.padEnd(20),
    schedule.cron.padEnd(16),
    schedule.time_zone.padEnd(20),
    schedule.enabled ? (schedule.waiting ?? `next ${schedule.next[0]?.starts_at ?? 'never'}`) : 'not enabled',
  ].join('  ');

/** `ossea schedule show VM|ID`: the next occurrences and what became of the last ones. */
export async function scheduleShow(args: Arguments, around: Surroundings): Promise<number> {
  const client = clientOf(args, around);
  const schedule = await scheduleNamed(client, args, around);
  const params = { schedule_id: schedule.schedule_id };
  const { runs } = await client.call('listScheduleRuns', { params, query: { limit: 20 } }, around);
  if (args.json) around.out(`${JSON.stringify({ ...schedule, runs })}\n`);
  else {
    const next = schedule.next.map(({ starts_at: startsAt }) => `  next     ${startsAt}\n`);
    around.out([`${lineOf(schedule)}\n`, ...next, ...runs.map(runLine)].join(''));
  }
  return exitCodes.done;
}

function runLine(run: ScheduleRun): string {
  const since = run.missed_since === null ? '' : ` (for those missed since ${run.missed_since})`;
  const what = run.migration_id === null ? `${run.code ?? ''}: ${run.reason ?? ''}` : `migration ${run.migration_id}`;
  return `  ${run.outcome.padEnd(8)} ${run.occurrence}${since}  ${what}\n`;
}

/** `ossea schedule remove VM|ID`: the migrations that it started stay. */
export async function scheduleRemove(args: Arguments, around: Surroundings): Promise<number> {
  const client = clientOf(args, around);
  const schedule = await scheduleNamed(client, args, around);
  const params = { schedule_id: schedule.schedule_id };
  const removed = await client.call('removeSchedule', { params }, around);
  around.out(args.json ? `${JSON.stringify(removed)}\n` : `The schedule of ${schedule.vm_name} is removed.\n`);
  return exitCodes.done;
}

async function scheduleNamed(client: Client, args: Arguments, around: Surroundings): Promise<Schedule> {
  const wanted = args.words[2] ?? '';
  const { schedules } = await client.call('listSchedules', {}, around);
  const found = schedules.filter((one) => [one.schedule_id, one.vm_id, one.vm_name].includes(wanted));
  const [schedule] = found;
  if (schedule === undefined) throw new AppError('NOT_FOUND', `There is no schedule of ${wanted}.`);
  if (found.length === 1) return schedule;
  const ids = found.map((one) => one.schedule_id).join('\n  ');
  throw new AppError(
    'INVALID_REQUEST',
    `${String(found.length)} schedules are of ${wanted}: use the id of one.\n  ${ids}`,
  );
}
