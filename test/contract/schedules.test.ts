import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import type { Schedule } from '../../shared/contract/schedules.ts';
import { osseaPath, testSignal } from '../fixtures/daemon-process.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();
const unknown = { schedule_id: '01a20c8a-127c-70cf-87c5-d779238abe44' };

const vmId = async (): Promise<string> => {
  const { vms } = await own.daemon.client.call('listVms', {}, { signal });
  return vms.find(({ name }) => name === 'pgtest2')?.vm_id ?? '';
};
const add = async (more: object = {}): Promise<Schedule> => {
  const body = { vm_id: await vmId(), cron: '30 2 * * *', time_zone: 'Europe/Berlin', ...more };
  return await own.daemon.client.call('addSchedule', { body }, { signal });
};
const list = async (): Promise<readonly Schedule[]> =>
  (await own.daemon.client.call('listSchedules', {}, { signal })).schedules;

afterEach(async () => {
  for (const { schedule_id } of await list())
    await own.daemon.client.call('removeSchedule', { params: { schedule_id } }, { signal });
});

test('a schedule is added, listed with its next occurrences, changed and removed', async () => {
  const added = await add({ jitter_seconds: 300 });
  expect(added).toMatchObject({
    vm_name: 'pgtest2',
    source_kind: 'images',
    enabled: true,
    waiting: null,
    last_run: null,
  });
  expect(added.next).toHaveLength(3);
  for (const { occurrence, starts_at } of added.next) {
    const clock = new Date(occurrence).toLocaleTimeString('de-DE', { timeZone: 'Europe/Berlin', timeStyle: 'short' });
    expect(clock).toBe('02:30');
    const delayMs = Date.parse(starts_at) - Date.parse(occurrence);
    expect(delayMs).toBeGreaterThanOrEqual(0);
    expect(delayMs).toBeLessThanOrEqual(300_000);
  }
  expect(await list()).toEqual([added]);
  const params = { schedule_id: added.schedule_id };
  expect(await own.daemon.client.call('getSchedule', { params }, { signal })).toEqual(added);
  const body = { cron: '0 12 * * 1-5', time_zone: 'UTC', enabled: false };
  const changed = await own.daemon.client.call('changeSchedule', { params, body }, { signal });
  expect(changed).toMatchObject({
    cron: '0 12 * * 1-5',
    time_zone: 'UTC',
    jitter_seconds: 300,
    enabled: false,
    next: [],
  });
  expect((await own.daemon.client.call('listScheduleRuns', { params, query: {} }, { signal })).runs).toEqual([]);
  expect(await own.daemon.client.call('removeSchedule', { params }, { signal })).toEqual(params);
  expect(await list()).toEqual([]);
});

test('the feed tells of every change of a schedule', async () => {
  const { newest_seq: newest } = await own.daemon.client.call('listEvents', { query: { limit: 1 } }, { signal });
  const { schedule_id: id } = await add();
  const { events } = await own.daemon.client.call('listEvents', { query: { after: newest } }, { signal });
  expect(events.map(({ body }) => body)).toEqual([{ type: 'schedule.changed', schedule_id: id }]);
});

test('a request sent again under its key makes one schedule', async () => {
  const body = { vm_id: await vmId(), cron: '30 2 * * *', time_zone: 'UTC' };
  const once = { signal, idempotencyKey: randomUUID() };
  const first = await own.daemon.client.call('addSchedule', { body }, once);
  expect(await own.daemon.client.call('addSchedule', { body }, once)).toEqual(first);
  expect(await list()).toHaveLength(1);
});

test.each([
  [{ cron: '* * * * * *' }, 'six fields'],
  [{ cron: '0 25 * * *' }, 'Invalid value for hour: 25'],
  [{ cron: '0 0 31 2 *' }, 'never comes'],
  [{ time_zone: 'Europe/Atlantis' }, 'no time zone'],
  [{ jitter_seconds: 21_601 }, 'jitter_seconds'],
  [{ jitter_seconds: -1 }, 'jitter_seconds'],
])('%o is refused, added or changed, with words', async (wrong, words) => {
  await expect(add(wrong)).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    reason: expect.stringContaining(words) as string,
  });
  const params = { schedule_id: (await add()).schedule_id };
  const change = own.daemon.client.call('changeSchedule', { params, body: wrong }, { signal });
  await expect(change).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});

test('what is not there is NOT_FOUND', async () => {
  const { client } = own.daemon;
  const notFound = { code: 'NOT_FOUND' };
  await expect(add({ vm_id: randomUUID() })).rejects.toMatchObject(notFound);
  await expect(client.call('getSchedule', { params: unknown }, { signal })).rejects.toMatchObject(notFound);
  const change = client.call('changeSchedule', { params: unknown, body: {} }, { signal });
  await expect(change).rejects.toMatchObject(notFound);
  await expect(client.call('removeSchedule', { params: unknown }, { signal })).rejects.toMatchObject(notFound);
  const runs = client.call('listScheduleRuns', { params: unknown, query: {} }, { signal });
  await expect(runs).rejects.toMatchObject(notFound);
});

test('the command line adds, lists, shows and removes, and tells a shell what is wrong', async () => {
  const ossea = (...words: string[]): Promise<{ code?: number; stdout: string; stderr: string }> =>
    promisify(execFile)(process.execPath, [osseaPath, 'schedule', ...words, '--data-dir', own.dir]).catch(
      (error: unknown) => error as { code: number; stdout: string; stderr: string },
    );
  const wrong = await ossea('add', 'pgtest2', '--cron', '* * * * * *');
  expect(wrong.code).toBe(2);
  expect(wrong.stderr).toContain('seconds are not taken');
  expect(await ossea('add', 'pgtest2')).toMatchObject({ code: 2 });
  const added = await ossea(
    'add',
    'pgtest2',
    '--cron',
    '0 3 * * *',
    '--zone',
    'Asia/Tokyo',
    '--jitter',
    '60',
    '--json',
  );
  expect(JSON.parse(added.stdout)).toMatchObject({ cron: '0 3 * * *', time_zone: 'Asia/Tokyo', jitter_seconds: 60 });
  expect((await ossea('list')).stdout).toMatch(/pgtest2 .* 0 3 \* \* \* .* Asia\/Tokyo +next 2\d{3}-.*Z\n$/);
  const shown = JSON.parse((await ossea('show', 'pgtest2', '--json')).stdout) as Schedule & { runs: unknown[] };
  expect([shown.next.length, shown.runs]).toEqual([3, []]);
  expect((await ossea('remove', shown.schedule_id)).stdout).toBe('The schedule of pgtest2 is removed.\n');
  expect(await ossea('show', 'pgtest2')).toMatchObject({ code: 1 });
});
