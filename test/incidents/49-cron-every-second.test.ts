// In the original, "* * * * * *" fired every second: more than 20 runs, 11 duplicate jobs of one VM.
import { beforeAll, expect, test } from 'vitest';
import { testSignal, waitForMigration } from '../fixtures/daemon-process.ts';
import { missSince, scheduleOf } from '../fixtures/overdue.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { smallVm, writeSmallVm } from '../fixtures/small-vm.ts';

const own = ownDaemon({ parallel_transfers: 3 });
const signal = testSignal();
beforeAll(() => {
  writeSmallVm(own.dir);
});

const runsOf = async (id: string) =>
  (await own.daemon.client.call('listScheduleRuns', { params: { schedule_id: id }, query: {} }, { signal })).runs;

test('a field of seconds is refused, with words', async () => {
  const { vms } = await own.daemon.client.call('listVms', {}, { signal });
  const body = { vm_id: vms[0]?.vm_id ?? '', cron: '* * * * * *', time_zone: 'UTC' };
  await expect(own.daemon.client.call('addSchedule', { body }, { signal })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    reason: 'cron: it has six fields; there are five, because seconds are not taken.',
  });
  expect((await own.daemon.client.call('listSchedules', {}, { signal })).schedules).toEqual([]);
});

test('one occurrence is one migration, over kill -9 and every start after it', async () => {
  const id = await scheduleOf(own, smallVm.name);
  await own.daemon.stop();
  await missSince(own, id, '2020-06-01T00:00:00.000Z');
  await own.start();
  const [run] = await eventually(async () => {
    const runs = await runsOf(id);
    return runs.length > 0 && runs;
  }, 'the start');
  await own.daemon.kill('SIGKILL');
  await own.start();
  const migrationId = run?.migration_id ?? '';
  expect(await waitForMigration(own.daemon, migrationId)).toMatchObject({ status: 'completed', proof: 'full' });
  await own.daemon.stop();
  await own.start();
  expect(await runsOf(id)).toEqual([run]);
  const { migrations } = await own.daemon.client.call('listMigrations', {}, { signal });
  expect(migrations.map((job) => job.id)).toEqual([migrationId]);
});
