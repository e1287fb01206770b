import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Settings } from '../../shared/contract/settings.ts';
import { startMigration, testSignal, waitForBytes, waitForMigration } from '../fixtures/daemon-process.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { cancel } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const own = ownDaemon({ parallel_transfers: 8 });

const change = (body: Partial<Settings>): Promise<unknown> =>
  own.daemon.client.call('changeSettings', { body }, { signal: testSignal() });
const limitJob = (id: string, rate: number | null) =>
  own.daemon.client.call(
    'limitMigration',
    { params: { id }, body: { mib_per_second: rate } },
    { signal: testSignal() },
  );

/** What the running nbdkits are told, in MiB/s, smallest first; 0 is no limit. */
function told(): number[] {
  const folder = join(own.dir, 'movers/s');
  return readdirSync(folder)
    .flatMap((run) => {
      try {
        return [Number(readFileSync(join(folder, run, 'rate'), 'utf8')) / 8 / mib];
      } catch (error) {
        // A run that is still before its gate, or over.
        if ((error as { code?: string }).code === 'ENOENT') return [];
        throw error;
      }
    })
    .sort((a, b) => a - b);
}

/** The demo VM with three disks of one size. */
const threeDisks = 'db-01';
const isTold = (expected: readonly number[]): Promise<unknown> =>
  eventually(() => JSON.stringify(told()) === JSON.stringify(expected), `the movers are told ${expected.join(', ')}`);

beforeEach(() => change({ rate_mib_per_second: 3 }));

describe('the bandwidth of a migration', () => {
  test('of the link is shared by its movers, and changes while they run', async () => {
    const id = await startMigration(own.daemon, threeDisks);
    await waitForBytes(own.daemon, id, mib);
    await isTold([1, 1, 1]);
    await change({ rate_mib_per_second: 6 });
    expect(told()).toEqual([2, 2, 2]);
    await change({ rate_mib_per_second: null });
    expect(await waitForMigration(own.daemon, id)).toMatchObject({ status: 'completed', proof: 'full' });
    expect(told()).toEqual([]);
  });

  test('of one job leaves the rest to the other, is shown, and is kept when the daemon is killed', async () => {
    const slow = await startMigration(own.daemon, threeDisks);
    const fast = await startMigration(own.daemon, 'odd-01');
    await change({ rate_mib_per_second: 12 });
    await isTold([3, 3, 3, 3]);
    expect(await limitJob(slow, 3)).toMatchObject({ limit_mib_per_second: 3 });
    expect(told()).toEqual([1, 1, 1, 9]);
    await own.daemon.kill('SIGKILL');
    await own.start();
    await isTold([1, 1, 1, 9]);
    await cancel(own.daemon, fast);
    await isTold([1, 1, 1]);
    await change({ rate_mib_per_second: null });
    expect(told()).toEqual([1, 1, 1]);
    expect(await limitJob(slow, null)).toMatchObject({ limit_mib_per_second: null });
    expect(await waitForMigration(own.daemon, slow)).toMatchObject({ status: 'completed', proof: 'full' });
    await expect(limitJob(slow, 1)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });
});
