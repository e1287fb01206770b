// In the original, a job whose mover was killed stayed "replicating".
import { expect, test } from 'vitest';
import { startMigration, waitForBytes, waitForMigration } from '../fixtures/daemon-process.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { viewsOf } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const own = ownDaemon({ rate_mib_per_second: 4 });

test.each(['nbdcopy', 'nbdkit'])(
  'kill -9 of %s in mid-copy: the job says so at once, and sends that segment again',
  async (program) => {
    const id = await startMigration(own.daemon, 'odd-01');
    await waitForBytes(own.daemon, id, 2 * mib);
    for (const { pid } of processesUsing(own.dir, program)) process.kill(pid, 'SIGKILL');
    const waiting = await waitForMigration(own.daemon, id, (job) => job.status === 'waiting');
    expect(waiting.reason).toMatch(/^MOVER_FAILED/);
    await own.daemon.client.call(
      'changeSettings',
      { body: { rate_mib_per_second: null } },
      { signal: AbortSignal.timeout(9_000) },
    );
    const job = await waitForMigration(own.daemon, id);
    expect(job).toMatchObject({ status: 'completed', proof: 'full', error: null });
    expect(job.disks[0]?.segments_resent).toBe(1);
    expect((await viewsOf(own.daemon, id)).at(-1)).toMatchObject({ status: 'completed', reason: null });
    await own.daemon.client.call(
      'changeSettings',
      { body: { rate_mib_per_second: 4 } },
      { signal: AbortSignal.timeout(9_000) },
    );
  },
);
