// In the original, a failure before the transfer was only logged: the row of the job went on as if nothing had happened.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { arm } from '../fixtures/lab-state.ts';
import { readMigrationRow } from '../fixtures/migration-row.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate, operationsOf } from '../fixtures/steer.ts';

const own = ownDaemon();

test.each([
  { phase: 'provision', fault: 'limit-535', command: 'createVolume', code: 'CLOUD_LIMIT', type: 'create' },
  { phase: 'attach', fault: 'job-fails-431', command: 'attachVolume', code: 'CLOUD_JOB_FAILED', type: 'attach' },
])('it fails in $phase: job and operation are failed in the table, and still are after kill -9', async (story) => {
  await arm(own.dir, story.fault, { match: { command: story.command } });
  const { id } = await migrate(own.daemon, 'odd-01');
  await own.daemon.kill('SIGKILL');
  const failed = {
    status: 'failed',
    phase: story.phase,
    error: { code: story.code },
    completed_at: expect.any(String) as string,
  };
  expect(await readMigrationRow(own.dir, id)).toMatchObject(failed);
  await own.start();
  expect(await own.daemon.client.call('getMigration', { params: { id } }, { signal: testSignal() })).toMatchObject(
    failed,
  );
  const operations = (await operationsOf(own.daemon, id)).filter(({ type }) => type === story.type);
  expect(operations).toMatchObject([{ status: 'failed', error: { code: story.code } }]);
});
