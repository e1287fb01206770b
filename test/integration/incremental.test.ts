import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { bytesInGrains, type Mutation, mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { disarm } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { migrate } from '../fixtures/steer.ts';

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({
    dataDir: dir,
    labSource: 'vcenter',
    settings: { headroom_gib: 1, segment_mib: 16, parallel_transfers: 3, reuse_volumes: true },
  });
});
afterEach(async () => {
  await disarm(dir);
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const vm = 'live-cbt-01';

function expectEqualEnds(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job.status).toBe('completed');
  for (const ends of readLabEnds(dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

describe('a VM that is on, again and again', () => {
  test('the first copy is full, says why, and proves all of it', async () => {
    const job = await migrate(daemon, vm);
    expectEqualEnds(job);
    expect(job.proof).toBe('full');
    expect(job.disks).toHaveLength(2);
    for (const disk of job.disks) {
      expect(disk).toMatchObject({ mode: 'full', full_because: 'it is the first copy of this disk', mover: 'lab' });
    }
  });

  const changes: readonly (readonly [string, Mutation])[] = [
    ['random bytes', { bytes: 6 * 1024 ** 2, extents: 6, seed: 1 }],
    ['blocks that become zero', { bytes: 6 * 1024 ** 2, extents: 4, zero: true, seed: 2 }],
    ['bytes at odd places', { bytes: 90_000, extents: 40, unaligned: true, seed: 3 }],
  ];
  test.each(changes)('%s: only those are sent, and the ends are equal', async (_what, how) => {
    const changed = await mutate(dir, vm, how);
    const job = await migrate(daemon, vm);
    expectEqualEnds(job);
    expect(job.proof).toBe('delta');
    for (const disk of job.disks) {
      const least = bytesInGrains(changed.disks.find(({ key }) => key === disk.key)?.extents ?? []);
      expect(disk.mode).toBe('delta');
      expect(disk.bytes_copied).toBeGreaterThanOrEqual(least * 0.5);
      expect(disk.bytes_copied).toBeLessThanOrEqual(least * 1.03);
    }
  });
});
