import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { defaultSettings, type Settings } from '../../shared/contract/settings.ts';
import {
  type DaemonProcess,
  isOver,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForBytes,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { arm, disarm, labBooks } from '../fixtures/lab-state.ts';
import { leftovers, processesUsing } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { cancel, migrate, operationsOf, resume, unfinished, waitForOperation } from '../fixtures/steer.ts';
import { stopped } from '../fixtures/stopped.ts';

const mib = 1024 ** 2;
const fast = { ...defaultSettings, reuse_volumes: false, headroom_gib: 0, segment_mib: 32, parallel_transfers: 3 };
/** Slow enough to be caught in the middle. */
const slow = { ...fast, rate_mib_per_second: 8 };
const vm = 'pgtest2';

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir, settings: fast });
});
afterEach(async () => {
  await disarm(dir);
  for (const id of await unfinished(daemon)) await cancel(daemon, id);
  await change(fast);
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const change = (settings: Settings): Promise<Settings> =>
  daemon.client.call('changeSettings', { body: settings }, { signal: testSignal() });

const carriers = () => ['nbdcopy', 'nbdkit', 'qemu-nbd'].flatMap((program) => processesUsing(dir, program));

/** Nothing is at work for it, nothing of it is on the appliance, every operation came to its end. */
async function expectQuiet(job: Migration): Promise<void> {
  expect(carriers()).toEqual([]);
  const { exports } = await daemon.client.call('listExports', { query: {} }, { signal: testSignal() });
  expect(exports.filter((row) => row.job_id === job.id && row.status === 'active')).toEqual([]);
  expect((await labBooks(dir)).host.devices.filter(({ volumeId }) => volumeId !== null)).toEqual([]);
  const { volumes } = await daemon.client.call('listVolumes', { query: {} }, { signal: testSignal() });
  for (const volume of volumes.filter((row) => row.job_id === job.id)) expect(volume.mapping?.ended_at).not.toBeNull();
  const states = (await operationsOf(daemon, job.id)).map((operation) => operation.status);
  expect(states).not.toContain('executing');
  expect(states).not.toContain('pending');
}

async function cloudVolumesOf(job: Migration): Promise<string[]> {
  const operations = (await operationsOf(daemon, job.id)).filter(({ type }) => type === 'create');
  const names = operations.map(({ request }) => request['name']);
  const { volumes } = await labBooks(dir);
  return volumes.filter((volume) => !volume.removed && names.includes(volume.name)).map(({ id }) => id);
}

async function expectCancelledWithoutTrace(job: Migration): Promise<void> {
  expect(job).toMatchObject({ status: 'cancelled', proof: null, error: { code: 'CANCELLED' }, left_behind: [] });
  expect(await cloudVolumesOf(job)).toEqual([]);
  await expectQuiet(job);
}

/** The volume with data is kept and named, so that nobody takes it for a finished copy. */
async function expectCancelledKeepingData(job: Migration): Promise<void> {
  expect(job).toMatchObject({ status: 'cancelled', proof: null, error: { code: 'CANCELLED' } });
  const volumes = job.disks.map((disk) => disk.volume_id);
  expect(await cloudVolumesOf(job)).toEqual(volumes);
  expect(job.left_behind).toHaveLength(volumes.length);
  for (const volume of volumes) expect(job.left_behind.join('\n')).toContain(volume);
  await expectQuiet(job);
}

function expectProved(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  for (const [index, ends] of readBothEnds(dir, job).entries()) {
    const disk = job.disks[index];
    expect(ends).toEqual({ source: disk?.source_sha256, target: disk?.target_sha256, tailIsZero: true });
  }
}

const runningJob = (command: string) =>
  eventually(
    async () => (await labBooks(dir)).jobs.some((job) => job.command === command && job.status === 0),
    `a job ${command} in the cloud`,
  );

describe('cancel', () => {
  test('while a volume is made: the volume is deleted once CloudStack has made it', async () => {
    await arm(dir, 'slow-create', { value: 1_000 });
    const id = await startMigration(daemon, 'db-01');
    await runningJob('createVolume');
    await expectCancelledWithoutTrace(await cancel(daemon, id));
  });

  test('while a volume is attached: it is detached again and deleted', async () => {
    await arm(dir, 'slow-job', { value: 1_000, match: { command: 'attachVolume' } });
    const id = await startMigration(daemon, 'db-01');
    await runningJob('attachVolume');
    await expectCancelledWithoutTrace(await cancel(daemon, id));
  });

  test('while CloudStack refuses the key: the held operation ends with the migration', async () => {
    await arm(dir, 'slow-job', { value: 1_000, match: { command: 'attachVolume' } });
    const id = await startMigration(daemon, vm);
    await runningJob('attachVolume');
    await daemon.client.call('cancelMigration', { params: { id } }, { signal: testSignal() });
    await arm(dir, 'empty-401', { match: { command: 'queryAsyncJobResult' } });
    const job = await waitForMigration(daemon, id, (now) => isOver(now));
    await expectCancelledWithoutTrace(job);
  });

  test('in mid-copy: no mover is left, the volume is kept and named', async () => {
    await change(slow);
    const id = await startMigration(daemon, vm);
    await waitForBytes(daemon, id, 2 * mib);
    await expectCancelledKeepingData(await cancel(daemon, id));
  });

  test('twice at once: both are answered and it ends once', async () => {
    await change(slow);
    const id = await startMigration(daemon, vm);
    await waitForBytes(daemon, id, mib);
    const [one, two] = await Promise.all([cancel(daemon, id), cancel(daemon, id)]);
    expect(one).toEqual(two);
    await expectCancelledKeepingData(one);
  });

  test('of one that is over is refused, and changes nothing', async () => {
    const job = await migrate(daemon, 'odd-01');
    const again = daemon.client.call('cancelMigration', { params: { id: job.id } }, { signal: testSignal() });
    await expect(again).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
      reason: expect.stringContaining('completed') as string,
    });
    const resumed = daemon.client.call('resumeMigration', { params: { id: job.id } }, { signal: testSignal() });
    await expect(resumed).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  test('and start anew: the new migration of the same VM makes new volumes and completes', async () => {
    await change(slow);
    const id = await startMigration(daemon, vm);
    await waitForBytes(daemon, id, mib);
    const first = await cancel(daemon, id);
    await change(fast);
    const second = await migrate(daemon, vm);
    expectProved(second);
    expect(second.disks[0]?.volume_id).not.toBe(first.disks[0]?.volume_id);
  });
});

describe('one VM, one migration', () => {
  test('two starts at once: one goes on, the other is told which', async () => {
    const starts = await Promise.allSettled([startMigration(daemon, vm), startMigration(daemon, vm)]);
    const [id, ...more] = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
    expect(more).toEqual([]);
    const refused = starts.find((start) => start.status === 'rejected');
    expect(refused?.reason).toMatchObject({ code: 'VM_ACTIVE', details: { migration_id: id } });
    expectProved(await waitForMigration(daemon, String(id)));
  });
});

describe('resume', () => {
  test('of a held one: two disks were done meanwhile, the third goes on where it was', async () => {
    await arm(dir, 'empty-401', { match: { command: 'detachVolume' } });
    const held = await migrate(daemon, 'db-01');
    expect(held).toMatchObject({ status: 'held', proof: null, error: { code: 'CLOUD_AUTH' } });
    expect(held.reason).toMatch(/^CLOUD_AUTH: /);
    const done = await resume(daemon, held.id);
    expectProved(done);
    expect(done.disks.map((disk) => disk.segments_resent)).toEqual([0, 0, 0]);
    await expectQuiet(done);
  });
});

/** Starts the daemon anew, to be stopped at a moment of the next migration. */
async function restartDaemon(env: Readonly<Record<string, string>> = {}): Promise<void> {
  await daemon.stop();
  daemon = await startDaemonProcess({ dataDir: dir, settings: fast, env });
}

describe('the daemon is stopped', () => {
  test('by SIGTERM in mid-copy: no mover is left; the next start goes on by itself and completes', async () => {
    await change(slow);
    const id = await startMigration(daemon, vm);
    await waitForBytes(daemon, id, 2 * mib);
    await daemon.stop();
    expect(leftovers(dir)).toEqual([]);
    daemon = await startDaemonProcess({ dataDir: dir, settings: fast });
    const job = await waitForMigration(daemon, id);
    expectProved(job);
    await expectQuiet(job);
  });

  test('and a cancel that reaches it during the verification stops the reading', async () => {
    await restartDaemon({ OSSEA_AT: 'copy-disk/hash-target/after-intent@1=stop' });
    const id = await startMigration(daemon, vm);
    await stopped(daemon.pid);
    const cancelled = cancel(daemon, id);
    process.kill(daemon.pid, 'SIGCONT');
    await expectCancelledKeepingData(await cancelled);
  });

  test('by kill -9 after a cancel, and CloudStack refuses the key at the next start: no operation stays open', async () => {
    await restartDaemon();
    await arm(dir, 'slow-job', { value: 3_000, match: { command: 'attachVolume' } });
    const id = await startMigration(daemon, vm);
    await runningJob('attachVolume');
    await daemon.client.call('cancelMigration', { params: { id } }, { signal: testSignal() });
    await daemon.kill('SIGKILL');
    await arm(dir, 'empty-401', { match: { command: 'queryAsyncJobResult' } });
    daemon = await startDaemonProcess({ dataDir: dir });
    await expectCancelledWithoutTrace(await waitForMigration(daemon, id));
  });

  test('and a cancel that reaches it between two exports keeps what was exported and deletes the rest', async () => {
    await restartDaemon({ OSSEA_AT: 'copy-disk/open-export/after-record@1=stop' });
    const id = await startMigration(daemon, 'db-01');
    await stopped(daemon.pid);
    const cancelled = cancel(daemon, id);
    process.kill(daemon.pid, 'SIGCONT');
    const job = await cancelled;
    const { volumes } = await daemon.client.call('listVolumes', { query: {} }, { signal: testSignal() });
    const kept = volumes.filter((volume) => volume.job_id === id && volume.received_data).map((row) => row.volume_id);
    expect(kept.length).toBeGreaterThan(0);
    expect((await cloudVolumesOf(job)).sort()).toEqual(kept.sort());
    expect(job.left_behind).toHaveLength(kept.length);
    for (const volume of kept) expect(job.left_behind.join('\n')).toContain(volume);
    await expectQuiet(job);
  });

  test('and a cancel that comes while a migration is just being held is not lost', async () => {
    await restartDaemon();
    await arm(dir, 'empty-401', { match: { command: 'attachVolume' } });
    const id = await startMigration(daemon, vm);
    await waitForOperation(daemon, id, ({ type, error }) => type === 'attach' && error?.code === 'CLOUD_AUTH');
    await expectCancelledWithoutTrace(await cancel(daemon, id));
  });
});
