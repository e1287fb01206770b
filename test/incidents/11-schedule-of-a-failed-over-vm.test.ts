// In the original, the scheduler did not ask whether a VM had failed over: its next run would have overwritten the live disks.
import { beforeAll, expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { writeRow } from '../fixtures/database-rows.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { missSince, scheduleOf } from '../fixtures/overdue.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { smallVm, writeSmallVm } from '../fixtures/small-vm.ts';
import { migrate } from '../fixtures/steer.ts';

const own = ownDaemon({ reuse_volumes: true, parallel_transfers: 3 });
beforeAll(() => {
  writeSmallVm(own.dir);
});

test('the schedule of a VM that has failed over starts nothing, and says why; CloudStack is not asked for anything', async () => {
  const signal = testSignal();
  const replica = await migrate(own.daemon, smallVm.name);
  expect(replica).toMatchObject({ status: 'completed', proof: 'full' });
  const id = await scheduleOf(own, smallVm.name);
  await own.daemon.stop();
  await missSince(own, id, '2020-06-01T00:00:00.000Z');
  await writeRow(own.dir, `UPDATE ossea_volumes SET role = 'live' WHERE volume_id = ?`, [
    replica.disks[1]?.volume_id ?? null,
  ]);
  await own.start();
  const { client } = own.daemon;
  const asked = (await labBooks(own.dir)).jobs.length;
  const [run] = await eventually(async () => {
    const { runs } = await client.call('listScheduleRuns', { params: { schedule_id: id }, query: {} }, { signal });
    return runs.length > 0 && runs;
  }, 'the occurrence is settled');
  expect(run).toMatchObject({ outcome: 'skipped', migration_id: null, code: 'REPLICA_LIVE' });
  expect(run?.reason).toContain('Hard disk 2 is the disk of the live VM');
  const { migrations } = await client.call('listMigrations', {}, { signal });
  expect(migrations.map((job) => job.id)).toEqual([replica.id]);
  expect((await labBooks(own.dir)).jobs).toHaveLength(asked);
});
