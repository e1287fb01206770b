import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForBytes,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labAccess } from '../fixtures/lab-control.ts';
import { leftovers, processesUsing } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { expectNothingTwice, forget } from './kill-matrix.ts';

const mib = 1024 ** 2;
/** Slow enough to be caught in the middle, in segments small enough to see that only one is sent again. */
const slow = { headroom_gib: 0, parallel_transfers: 3, rate_mib_per_second: 48 } as const;
/** A window that is sent again is sent whole, holes included: of a disk of mostly holes that is most of the time. */
const segmentMib = { 'db-01': 32, 'big-01': 256 } as const;

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

/** The pids of a program that works for this data directory, once there is one: between two segments there is none. */
const pidsOf = (program: string): Promise<number[]> =>
  eventually(() => {
    const pids = processesUsing(dir, program).map(({ pid }) => pid);
    return pids.length > 0 && pids;
  }, `a ${program} at work`);

const victims: Readonly<Record<string, () => Promise<void> | void>> = {
  'the daemon': async () => {
    await daemon.kill('SIGKILL');
    daemon = await startDaemonProcess({ dataDir: dir });
  },
  'the lab': () => {
    process.kill(labAccess(dir).pid, 'SIGKILL');
  },
  nbdcopy: async () => {
    const [pid] = await pidsOf('nbdcopy');
    if (pid !== undefined) process.kill(pid, 'SIGKILL');
  },
  'nbd-server, parent and connections': async () => {
    for (const pid of await pidsOf('nbd-server')) process.kill(pid, 'SIGKILL');
  },
};

function expectProved(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  for (const [index, ends] of readBothEnds(dir, job).entries()) {
    const disk = job.disks[index];
    expect(ends).toEqual({ source: disk?.source_sha256, target: disk?.target_sha256, tailIsZero: true });
    expect(disk?.segments_resent).toBeLessThanOrEqual(1);
  }
}

describe.each(['db-01', 'big-01'] as const)('in the middle of the copy of %s', (vm) => {
  test.each(Object.keys(victims))(
    'kill -9 of %s: it completes, nothing twice, at most a segment a disk again',
    async (victim) => {
      const body = { ...slow, segment_mib: segmentMib[vm] };
      await daemon.client.call('changeSettings', { body }, { signal: testSignal() });
      const id = await startMigration(daemon, vm);
      await waitForBytes(daemon, id, 6 * mib);
      await victims[victim]?.();
      const job = await waitForMigration(daemon, id);
      expectProved(job);
      await expectNothingTwice(dir, job, victim);
      forget(dir, job);
    },
  );
});
