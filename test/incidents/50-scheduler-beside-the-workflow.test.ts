// In the original, the scheduler inserted rows of its own and left out the workflow: exports with empty fields, jobs that never ran.
import { beforeAll, expect, test } from 'vitest';
import { testSignal, waitForMigration } from '../fixtures/daemon-process.ts';
import { readRows } from '../fixtures/database-rows.ts';
import { missSince, scheduleOf } from '../fixtures/overdue.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { smallVm, writeSmallVm } from '../fixtures/small-vm.ts';
import { migrate } from '../fixtures/steer.ts';

const own = ownDaemon({ parallel_transfers: 3 });
const signal = testSignal();
beforeAll(() => {
  writeSmallVm(own.dir);
});

test('what a schedule starts went the whole way: every phase, every disk with device, export, evidence and proof', async () => {
  const byHand = await migrate(own.daemon, smallVm.name);
  const id = await scheduleOf(own, smallVm.name);
  await own.daemon.stop();
  await missSince(own, id, '2020-06-01T00:00:00.000Z');
  await own.start();
  const [run] = await eventually(async () => {
    const params = { schedule_id: id };
    const { runs } = await own.daemon.client.call('listScheduleRuns', { params, query: {} }, { signal });
    return runs.length > 0 && runs;
  }, 'the start');
  expect(run).toMatchObject({ outcome: 'started', missed_since: '2021-01-01T00:00:00.000Z' });
  const job = await waitForMigration(own.daemon, run?.migration_id ?? '');
  expect(job).toMatchObject({ status: 'completed', proof: 'full', error: null });
  const filled = (disk: object): string[] =>
    Object.entries(disk).flatMap(([field, value]) => (value === null ? [] : field));
  expect(job.disks.map(filled)).toEqual(byHand.disks.map(filled));
  expect(job.timeline.map(({ phase }) => phase)).toEqual(byHand.timeline.map(({ phase }) => phase));
  expect(job.disks.map((disk) => disk.target_sha256)).toEqual(byHand.disks.map((disk) => disk.target_sha256));
  const audit = await readRows<{ actor: string; subject: string }>(
    own.dir,
    `SELECT actor, subject FROM audit WHERE act = 'migration.create' ORDER BY id`,
  );
  expect(audit.map(({ subject }) => subject)).toEqual([byHand.id, job.id]);
  expect(audit.at(-1)?.actor).toBe(`schedule ${id}`);
});
