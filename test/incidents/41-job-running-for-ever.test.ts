// In the original, a restart forgot the pollers: jobs stood "replicating" for ever, or those older than 30 minutes were called
// failed although they might still be writing.
import { expect, test } from 'vitest';
import { startMigration, waitForBytes, waitForMigration } from '../fixtures/daemon-process.ts';
import { writeRow } from '../fixtures/database-rows.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { viewsOf } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const own = ownDaemon({ rate_mib_per_second: 4 });

test('kill -9 in mid-copy of a job that is hours old: its mover dies with the daemon, and it goes on by itself', async () => {
  const id = await startMigration(own.daemon, 'odd-01');
  await waitForBytes(own.daemon, id, 2 * mib);
  await own.daemon.kill('SIGKILL');
  await eventually(() => processesUsing(own.dir, 'nbdcopy').length === 0, 'the end of the mover');
  const hoursAgo = '2020-01-01T00:00:00.000Z';
  await writeRow(own.dir, 'UPDATE replication_jobs SET created_at = ?, updated_at = ?', [hoursAgo, hoursAgo]);
  await own.start({ settings: { rate_mib_per_second: null } });
  const job = await waitForMigration(own.daemon, id);
  expect(job).toMatchObject({ status: 'completed', proof: 'full', error: null, created_at: hoursAgo });
  expect(job.disks[0]?.segments_resent).toBe(1);
  const statuses = new Set((await viewsOf(own.daemon, id)).map(({ status }) => status));
  expect([...statuses].filter((status) => status === 'failed' || status === 'held')).toEqual([]);
});
