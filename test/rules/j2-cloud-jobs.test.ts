import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { cloudOf, endOfJob, readLabFile, within } from '../fixtures/cloud-of-lab.ts';
import {
  type DaemonProcess,
  isOver,
  startDaemonProcess,
  startMigration,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labAccess, labDoes } from '../fixtures/lab-control.ts';
import { arm, disarm, labBooks } from '../fixtures/lab-state.ts';
import { readLedger } from '../fixtures/ledger.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { backingFile } from '../fixtures/outside-proof.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { cancel, migrate, operationsOf, resume, unfinished, viewsOf, waitForOperation } from '../fixtures/steer.ts';

const settings = { headroom_gib: 0, segment_mib: 1024, parallel_transfers: 3 } as const;
const vm = 'odd-01';

let dir: string;
let daemon: DaemonProcess;
let before: Set<string>;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir, settings });
  before = await listed();
});
afterEach(async () => {
  await disarm(dir);
  for (const id of await unfinished(daemon)) await cancel(daemon, id);
  before = await listed();
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const listed = async (): Promise<Set<string>> =>
  new Set((await labBooks(dir)).volumes.filter((volume) => !volume.removed).map(({ id }) => id));

/** Volumes that this test made and that the cloud still lists. */
const newVolumes = async (): Promise<string[]> => [...(await listed())].filter((id) => !before.has(id));

/** Volumes, attaches and detaches: one a disk, whatever went wrong on the way. */
async function expectDoneOnce(job: Migration): Promise<void> {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  const each = job.disks.length;
  expect(await readLedger(dir, job)).toMatchObject({ attaches: each, detaches: each, openMappings: 0, openExports: 0 });
  expect(await newVolumes()).toEqual(job.disks.map((disk) => disk.volume_id));
}

async function expectNothingLeft(job: Migration): Promise<void> {
  expect(job.left_behind).toEqual([]);
  expect(await newVolumes()).toEqual([]);
  expect((await labBooks(dir)).host.devices.filter(({ volumeId }) => volumeId !== null)).toEqual([]);
  const open = (await operationsOf(daemon, job.id)).filter(
    ({ status }) => status === 'executing' || status === 'pending',
  );
  expect(open).toEqual([]);
}

/** The management server dies with its jobs; the console starts the lab again. */
async function restartCloud(fault: string): Promise<void> {
  const { pid } = labAccess(dir);
  await arm(dir, fault);
  process.kill(pid, 'SIGKILL');
  await eventually(() => labAccess(dir).pid !== pid, 'the lab is started again');
}

const jobRuns = (command: string) =>
  eventually(
    async () => (await labBooks(dir)).jobs.some((job) => job.command === command && job.status === 0),
    `a job ${command}`,
  );

describe('rule J2: the reply is lost after CloudStack accepted', () => {
  test('create: the one volume is found by its exact name', async () => {
    await arm(dir, 'create-reply-lost');
    await expectDoneOnce(await migrate(daemon, vm));
  });

  test.each(['attach', 'detach'] as const)('%s: done once', async (what) => {
    await arm(dir, `${what}-reply-lost`);
    await expectDoneOnce(await migrate(daemon, vm));
  });

  test('delete: a volume that is gone is not missed', async () => {
    await arm(dir, 'job-fails-431', { match: { command: 'attachVolume' } });
    await arm(dir, 'delete-reply-lost');
    const job = await migrate(daemon, vm);
    expect(job).toMatchObject({ status: 'failed', error: { code: 'CLOUD_JOB_FAILED' } });
    await expectNothingLeft(job);
  });
});

describe('rule J2: the job fails', () => {
  test('create says 530 and the volume is there: it is used, no second one is made', async () => {
    await arm(dir, 'job-fails-530', { match: { command: 'createVolume' } });
    await expectDoneOnce(await migrate(daemon, vm));
  });

  test('attach says 530 and did its work: what the list shows counts', async () => {
    await arm(dir, 'job-fails-after-act', { match: { command: 'attachVolume' } });
    await expectDoneOnce(await migrate(daemon, vm));
  });

  test.each(['431', '530'])('attach says %s and did nothing: failed, nothing left behind', async (code) => {
    await arm(dir, `job-fails-${code}`, { match: { command: 'attachVolume' } });
    const job = await migrate(daemon, vm);
    expect(job).toMatchObject({ status: 'failed', proof: null, error: { code: 'CLOUD_JOB_FAILED' } });
    expect(job.error?.cause).toContain(code);
    await expectNothingLeft(job);
  });

  test('detach says 530 and did nothing: held with its proof, resume asks CloudStack again', async () => {
    await arm(dir, 'job-fails-530', { match: { command: 'detachVolume' } });
    const held = await migrate(daemon, vm);
    expect(held).toMatchObject({ status: 'held', error: { code: 'DETACH_FAILED' } });
    const job = await resume(daemon, held.id);
    expect(job).toMatchObject({ error: null, status: 'completed', proof: 'full' });
    expect(await readLedger(dir, job)).toMatchObject({ attaches: 1, detaches: 2, openMappings: 0, openExports: 0 });
  });

  test('detach says 530 and a person detached meanwhile: resume asks for nothing', async () => {
    await arm(dir, 'job-fails-530', { match: { command: 'detachVolume' } });
    const held = await migrate(daemon, vm);
    const cloud = cloudOf(readLabFile(join(dir, 'lab')));
    const { jobId } = await cloud.detachVolume(held.disks[0]?.volume_id ?? '', within());
    expect(await endOfJob(cloud, jobId)).toEqual({ state: 'succeeded' });
    const job = await resume(daemon, held.id);
    expect(job).toMatchObject({ error: null, status: 'completed', proof: 'full' });
  });

  test('the appliance takes no third disk: the two that are attached are detached, all three deleted', async () => {
    await labDoes(dir, 'settings', { max_data_disks: 2 });
    const job = await migrate(daemon, 'db-01');
    await labDoes(dir, 'settings', { max_data_disks: 32 });
    expect(job).toMatchObject({ status: 'failed', error: { code: 'CLOUD_JOB_FAILED' } });
    await expectNothingLeft(job);
  });

  test('the account has no volume left: failed CLOUD_LIMIT, what was made is deleted', async () => {
    await arm(dir, 'limit-535');
    const job = await migrate(daemon, 'db-01');
    expect(job).toMatchObject({ status: 'failed', error: { code: 'CLOUD_LIMIT' } });
    await expectNothingLeft(job);
  });
});

describe('rule J2: a volume that vanished is held and never made again', () => {
  async function expectHeldForGood(job: Migration): Promise<void> {
    expect(job).toMatchObject({ status: 'held', proof: null, error: { code: 'VOLUME_VANISHED' } });
    expect(await newVolumes()).toEqual([]);
    expect(await resume(daemon, job.id)).toMatchObject({ status: 'held', error: { code: 'VOLUME_VANISHED' } });
    expect(await newVolumes()).toEqual([]);
    const cancelled = await cancel(daemon, job.id);
    expect(cancelled.status).toBe('cancelled');
    await expectNothingLeft(cancelled);
  }

  test('the create job succeeded and its record is lost', async () => {
    await arm(dir, 'volume-vanishes', { match: { command: 'createVolume' } });
    await expectHeldForGood(await migrate(daemon, vm));
  });

  test('a restart of the management server ended the create job with 530 and dropped the volume', async () => {
    await arm(dir, 'slow-create', { value: 600_000 });
    const id = await startMigration(daemon, vm);
    await jobRuns('createVolume');
    await restartCloud('restart-drops-volumes');
    await expectHeldForGood(await waitForMigration(daemon, id));
  });

  test('the same when the reply was lost, too: the volume was seen by name before it vanished', async () => {
    await arm(dir, 'slow-create', { value: 600_000 });
    await arm(dir, 'create-reply-lost');
    const id = await startMigration(daemon, vm);
    await waitForMigration(daemon, id, (job) => job.status === 'waiting');
    await waitForMigration(daemon, id, (job) => job.status === 'running');
    await restartCloud('restart-drops-volumes');
    await expectHeldForGood(await waitForMigration(daemon, id));
  });

  test('after the attach: no byte goes anywhere else', async () => {
    await arm(dir, 'volume-vanishes', { match: { command: 'attachVolume' } });
    const job = await migrate(daemon, vm);
    expect(job).toMatchObject({ status: 'held', error: { code: 'VOLUME_VANISHED' } });
    expect(job.disks[0]?.bytes_copied).toBe(0);
    expect((await cancel(daemon, job.id)).status).toBe('cancelled');
    expect(await newVolumes()).toEqual([]);
    // The lost record left a disk plugged in; a boot takes it away.
    await labDoes(dir, 'restart-oma', {});
  });
});

describe('rule J2: two volumes of one name', () => {
  const twoOfOneName = async (): Promise<Migration> => {
    await arm(dir, 'create-reply-lost');
    await arm(dir, 'duplicate-name');
    const job = await migrate(daemon, vm);
    expect(job).toMatchObject({ status: 'held', error: { code: 'VOLUME_AMBIGUOUS' } });
    expect(job.reason).toMatch(/^VOLUME_AMBIGUOUS: [^.]+\.$/);
    expect(await newVolumes()).toHaveLength(2);
    return job;
  };

  test('held; once a person removed one, resume completes on the other', async () => {
    const job = await twoOfOneName();
    const [first] = await newVolumes();
    await labDoes(dir, `volumes/${String(first)}/vanish`, {});
    await expectDoneOnce(await resume(daemon, job.id));
  });

  test('cancel touches neither and names both', async () => {
    const job = await cancel(daemon, (await twoOfOneName()).id);
    const both = await newVolumes();
    expect(both).toHaveLength(2);
    expect(job.status).toBe('cancelled');
    for (const id of both) expect(job.left_behind.join('\n')).toContain(id);
  });

  test('cancel while the reply of the only create is lost: the unrecorded volume is found and deleted', async () => {
    await arm(dir, 'create-reply-lost');
    await arm(dir, 'slow-create', { value: 1_500 });
    await arm(dir, 'empty-401', { match: { command: 'queryAsyncJobResult' } });
    const job = await migrate(daemon, vm);
    expect(job).toMatchObject({ status: 'held', error: { code: 'CLOUD_AUTH' } });
    expect(await newVolumes()).toHaveLength(1);
    await expectNothingLeft(await cancel(daemon, job.id));
  });
});

const attachedInCloud = (volume: string) =>
  eventually(
    async () => (await labBooks(dir)).volumes.some(({ id, vmId }) => id === volume && vmId !== null),
    'CloudStack says attached',
  );

describe('rule J2: the end of a wait is not the end of the operation', () => {
  test('a device appears late: the operation is executing until then', async () => {
    await arm(dir, 'device-late', { value: 2_000 });
    const id = await startMigration(daemon, vm);
    const { volume_id: volume } = await waitForOperation(daemon, id, ({ type }) => type === 'attach');
    await attachedInCloud(String(volume));
    const [attach] = (await operationsOf(daemon, id)).filter(({ type }) => type === 'attach');
    expect(attach).toMatchObject({ status: 'executing', error: null });
    await expectDoneOnce(await waitForMigration(daemon, id));
  });

  test('no device appears until the appliance is restarted: it goes on by itself', async () => {
    await arm(dir, 'device-never');
    const id = await startMigration(daemon, vm);
    const { volume_id: volume } = await waitForOperation(daemon, id, ({ type }) => type === 'attach');
    await attachedInCloud(String(volume));
    expect(existsSync(backingFile(dir, String(volume)))).toBe(false);
    await labDoes(dir, 'restart-oma', {});
    await expectDoneOnce(await waitForMigration(daemon, id));
  });
});

describe('rule J2: CloudStack does not answer as it should', () => {
  test('401: held until a person put the key right, then it goes on where it was', async () => {
    await arm(dir, 'empty-401', { match: { command: 'attachVolume' } });
    const job = await migrate(daemon, vm);
    expect(job).toMatchObject({ status: 'held', error: { code: 'CLOUD_AUTH' } });
    expect(await newVolumes()).toHaveLength(1);
    await expectDoneOnce(await resume(daemon, job.id));
  });

  test.each(['http-429', 'http-503', 'request-lost'])('%s: waits by itself, says why, and completes', async (fault) => {
    await arm(dir, fault, { count: 2, match: { command: 'createVolume' } });
    const id = await startMigration(daemon, vm);
    await expectDoneOnce(await waitForMigration(daemon, id, isOver));
    const waits = (await viewsOf(daemon, id)).filter(({ status }) => status === 'waiting');
    expect(waits.map(({ reason }) => reason).join('\n')).toMatch(/^CLOUD_UNREACHABLE: createVolume/);
  });
});
