import { expect, test } from 'vitest';
import { startMigration, testSignal, waitForMigration } from '../fixtures/daemon-process.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { viewsOf } from '../fixtures/steer.ts';

const own = ownDaemon({ parallel_transfers: 8 }, { labSource: 'vcenter' });

test.each([
  [{ reads_per_host: 2, reads_per_vcenter: 52 }, /^READS_FULL: waits to read from esx0\d\.lab\.example/],
  [{ reads_per_host: 8, reads_per_vcenter: 2 }, /^READS_FULL: waits to read through vCenter/],
])('%o: copies and proofs of three disks say that they wait to read, and end', async (body, reason) => {
  await own.daemon.client.call('changeSettings', { body }, { signal: testSignal() });
  const id = await startMigration(own.daemon, 'db-01');
  const job = await waitForMigration(own.daemon, id);
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  const waits = (await viewsOf(own.daemon, id)).filter(({ status }) => status === 'waiting');
  expect(waits.map((view) => view.reason)).toContainEqual(expect.stringMatching(reason));
});
