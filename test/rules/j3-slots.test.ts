import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { defaultSettings, type Settings } from '../../shared/contract/settings.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { cancel, migrate, viewsOf } from '../fixtures/steer.ts';
import { stopped } from '../fixtures/stopped.ts';

const fast = { ...defaultSettings, reuse_volumes: false, headroom_gib: 0, parallel_transfers: 3 };

let dir: string;
let daemon: DaemonProcess;
beforeAll(() => {
  dir = newDataDir();
});
afterEach(async () => {
  await daemon.stop();
});
afterAll(() => {
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const start = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
  daemon = await startDaemonProcess({ dataDir: dir, settings: fast, env });
};
const change = (settings: Partial<Settings>): Promise<Settings> =>
  daemon.client.call('changeSettings', { body: settings }, { signal: testSignal() });
const isDone = (job: Migration): boolean => job.completed_at !== null;
const slotsFull = (job: Migration): boolean =>
  job.status === 'waiting' && job.reason?.startsWith('OMA_SLOTS_FULL') === true;

describe('rule J3: slots of the appliance', () => {
  test('two disks wait, fairly and visibly, until the three of the first VM are off the appliance', async () => {
    await start();
    await change({ attach_slots: 3 });
    const first = await startMigration(daemon, 'db-01');
    const second = await startMigration(daemon, 'PGWINTESTBIOS');
    await waitForMigration(daemon, second, slotsFull);
    const third = await startMigration(daemon, 'odd-01');
    const jobs = await Promise.all([first, second, third].map((id) => waitForMigration(daemon, id, isDone)));
    for (const job of jobs) expect(job).toMatchObject({ status: 'completed', proof: 'full' });
    const attachedSince = async (id: string): Promise<string> =>
      (await viewsOf(daemon, id)).find((job) => job.status === 'running' && job.phase !== 'discover')?.updated_at ?? '';
    const [done] = jobs;
    // The last thing of the first one is to give its slots back; nobody small slips past somebody large.
    expect((await attachedSince(second)) >= (done?.completed_at ?? '~')).toBe(true);
    expect((await attachedSince(third)) >= (await attachedSince(second))).toBe(true);
  });

  test('more slots in the settings let in who waits', async () => {
    await start();
    await change({ attach_slots: 3 });
    const first = await startMigration(daemon, 'db-01');
    const slow = { params: { id: first }, body: { mib_per_second: 2 } };
    await daemon.client.call('limitMigration', slow, { signal: testSignal() });
    const second = await startMigration(daemon, 'odd-01');
    await waitForMigration(daemon, second, slotsFull);
    await change({ attach_slots: 4, parallel_transfers: 4 });
    expect(await waitForMigration(daemon, second, isDone)).toMatchObject({ status: 'completed' });
    const other = await daemon.client.call('getMigration', { params: { id: first } }, { signal: testSignal() });
    expect(other.status).toBe('running');
    await cancel(daemon, first);
  });

  test('a cancel gives up the place in line', async () => {
    await start();
    await change({ attach_slots: 3, rate_mib_per_second: 8 });
    const first = await startMigration(daemon, 'db-01');
    const second = await startMigration(daemon, 'PGWINTESTBIOS');
    await waitForMigration(daemon, second, slotsFull);
    expect(await cancel(daemon, second)).toMatchObject({ status: 'cancelled', left_behind: [] });
    await cancel(daemon, first);
  });

  test('a VM with more disks than the appliance has slots fails at once and makes nothing', async () => {
    await start();
    await change({ attach_slots: 2 });
    const before = (await labBooks(dir)).volumes.length;
    const job = await migrate(daemon, 'db-01');
    expect(job).toMatchObject({ status: 'failed', error: { code: 'SLOTS_TOO_FEW' }, left_behind: [] });
    expect((await labBooks(dir)).volumes.length).toBe(before);
  });
});

describe('rule D2: an appliance whose disks carry no serial', () => {
  const withoutSerials = async (env: Readonly<Record<string, string>> = {}): Promise<void> => {
    await start(env);
    await labDoes(dir, 'settings', { serials: 'none' });
  };

  test('one attach at a time, each proved as the only new device; the copy completes with proof', async () => {
    await withoutSerials();
    const job = await migrate(daemon, 'db-01');
    expect(job).toMatchObject({ status: 'completed', proof: 'full' });
    expect(job.disks.map((disk) => disk.evidence?.kind)).toEqual(Array(3).fill('only-new-device'));
    const volumes = job.disks.map((disk) => disk.volume_id);
    const attaches = (await labBooks(dir)).jobs
      .filter((row) => row.command === 'attachVolume' && volumes.includes(row.volumeId))
      .map((row) => [row.createdAtMs, row.completedAtMs ?? Infinity] as const)
      .sort(([a], [b]) => a - b);
    expect(attaches).toHaveLength(3);
    for (const [index, [, ended]] of attaches.entries()) {
      const next = attaches[index + 1];
      if (next !== undefined) expect(next[0]).toBeGreaterThanOrEqual(ended);
    }
  });

  test('a boot in between takes the proof away for good: held, nothing is written on a guess', async () => {
    await withoutSerials({ OSSEA_AT: 'attach-volume/prove/after-record@2=stop' });
    const id = await startMigration(daemon, 'PGWINTESTBIOS');
    await stopped(daemon.pid);
    await labDoes(dir, 'restart-oma', {});
    process.kill(daemon.pid, 'SIGCONT');
    const job = await waitForMigration(daemon, id, (now) => now.status === 'held');
    expect(job).toMatchObject({ proof: null, error: { code: 'DEVICE_NOT_FOUND' } });
    expect(job.disks.map((disk) => disk.bytes_copied)).toEqual([0, 0]);
    expect(await cancel(daemon, id)).toMatchObject({ status: 'cancelled', left_behind: [] });
  });
});
