// In the original, the change id of a wrong disk was answered when the disk was not named, and none was kept when the job was
// not: disks of one VM were copied in full again and again, or from the wrong point on.
import { expect, test } from 'vitest';
import { readRows } from '../fixtures/database-rows.ts';
import { mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate } from '../fixtures/steer.ts';

const vm = 'live-cbt-01';
const own = ownDaemon({ reuse_volumes: true }, { labSource: 'vcenter' });

test('each disk has a change id of its own, over restarts: the next copy sends of each what changed on it', async () => {
  await migrate(own.daemon, vm);
  const sql = 'SELECT source_disk, change_id FROM replica_states ORDER BY source_disk';
  const rows = await readRows<{ source_disk: string; change_id: string }>(own.dir, sql);
  expect(rows.map(({ source_disk: disk }) => disk.split('/').at(-1))).toEqual(['2000', '2001']);
  expect(new Set(rows.map(({ change_id: id }) => id)).size).toBe(2);
  await own.daemon.kill('SIGKILL');
  await own.start();
  // One piece: the first disk alone is written to.
  await mutate(own.dir, vm, { bytes: 64 * 1024, extents: 1, seed: 11 });
  const job = await migrate(own.daemon, vm);
  expect(job).toMatchObject({ status: 'completed', proof: 'delta', error: null });
  expect(job.disks.map(({ mode, bytes_copied: bytes }) => ({ mode, sent: bytes > 0 }))).toEqual([
    { mode: 'delta', sent: true },
    { mode: 'delta', sent: false },
  ]);
  for (const ends of readLabEnds(own.dir, job)) expect(ends).toMatchObject({ target: ends.source });
});
