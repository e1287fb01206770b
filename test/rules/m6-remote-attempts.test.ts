import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isAlive } from '../../main/adapters/processes/proc.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { type SlowTarget, startSlowTarget } from '../fixtures/slow-target.ts';
import { newJob, type Replicate, vmaGround } from '../fixtures/vma-ground.ts';
import { diskIn } from '../fixtures/vma-process.ts';

const mib = 1024 ** 2;
const sizeBytes = 32 * mib;
const signal = testSignal();
const ground = vmaGround();

let slow: SlowTarget;
beforeEach(async () => {
  slow = await startSlowTarget(ground.oma.folder, { name: 'slow', sizeBytes, bytesPerSecond: 2 * mib });
});
afterEach(async () => {
  await slow.stop();
});

const requestFor = async (jobId: string, attempt: number, url = slow.url): Promise<Replicate> => ({
  job_id: jobId,
  vm_id: (await ground.vm('efi-secure-01')).vm_id,
  attempt,
  snapshot: null,
  nbd_targets: [{ disk_key: 2000, url, device_bytes: sizeBytes, extents: null }],
});
const begin = async (jobId: string, attempt: number): Promise<void> => {
  await ground.replicate(await requestFor(jobId, attempt));
};
const open = (jobId: string, attempt: number) =>
  ground.vma.call('openGate', { params: { job_id: jobId }, body: { disk_key: 2000, attempt } }, { signal });
const atGate = (jobId: string) => diskIn(ground.vma, { jobId, diskKey: 2000 }, 'connected', 'failed');
const writers = (): readonly number[] => processesUsing(ground.dir, 'nbdcopy').map(({ pid }) => pid);
const isBlank = (): boolean => readFileSync(slow.path).every((byte) => byte === 0);
const copying = async (jobId: string, attempt: number): Promise<void> => {
  await begin(jobId, attempt);
  await atGate(jobId);
  await open(jobId, attempt);
  await eventually(() => !isBlank(), 'bytes arrive');
};

describe('rule M6: attempts at a disk', () => {
  test('a higher attempt stops the older one, which is dead before the answer; a lower or the same one is refused', async () => {
    const jobId = newJob();
    await copying(jobId, 3);
    const [older] = writers();
    await begin(jobId, 5);
    expect(isAlive(older ?? 0)).toBe(false);
    expect(await atGate(jobId)).toMatchObject({ attempt: 5, state: 'connected', bytes_written: 0 });
    const [newer, ...more] = writers();
    expect(more).toEqual([]);
    for (const attempt of [1, 4, 5])
      await expect(begin(jobId, attempt)).rejects.toMatchObject({ code: 'ATTEMPT_STALE' });
    await expect(open(jobId, 3)).rejects.toMatchObject({ code: 'ATTEMPT_STALE' });
    expect(writers()).toEqual([newer]);
    await ground.vma.call('cancelJob', { body: { job_id: jobId } }, { signal });
    expect(writers()).toEqual([]);
    // A cancelled attempt stays used.
    await expect(begin(jobId, 5)).rejects.toMatchObject({ code: 'ATTEMPT_STALE' });
  });

  test('no byte before its gate is opened, also when another one copies', async () => {
    const jobId = newJob();
    const other = await startSlowTarget(ground.oma.folder, { name: 'other', sizeBytes, bytesPerSecond: 2 * mib });
    try {
      const otherJob = newJob();
      await ground.replicate(await requestFor(otherJob, 1, other.url));
      await begin(jobId, 1);
      await Promise.all([atGate(jobId), atGate(otherJob)]);
      await open(otherJob, 1);
      await eventually(() => readFileSync(other.path).some((byte) => byte !== 0), 'the other one copies');
      expect(isBlank()).toBe(true);
      // What one job is told says nothing to the other.
      await ground.vma.call('cancelJob', { body: { job_id: otherJob } }, { signal });
      expect(writers()).toHaveLength(1);
      expect(await atGate(jobId)).toMatchObject({ state: 'connected' });
      expect(isBlank()).toBe(true);
      await ground.vma.call('cancelJob', { body: { job_id: jobId } }, { signal });
    } finally {
      await other.stop();
    }
  });

  test('kill -9 of the VMA in mid-copy: its mover dies with it; started again it knows no job, and refuses what it saw before', async () => {
    const jobId = newJob();
    await copying(jobId, 7);
    const pids = [...writers(), ...processesUsing(ground.dir, 'nbdkit').map(({ pid }) => pid)];
    expect(pids.length).toBeGreaterThan(1);
    await ground.vma.kill('SIGKILL');
    await eventually(() => !pids.some(isAlive), 'the mover and its source are dead');
    const left = readFileSync(slow.path);
    await ground.restart();
    // It answers once its vCenter has been looked at.
    expect((await ground.vm('efi-secure-01')).disks).toHaveLength(1);
    const status = ground.vma.call('getJobStatus', { params: { job_id: jobId } }, { signal });
    await expect(status).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(open(jobId, 7)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const attempt of [6, 7]) await expect(begin(jobId, attempt)).rejects.toMatchObject({ code: 'ATTEMPT_STALE' });
    expect(writers()).toEqual([]);
    expect(readFileSync(slow.path).equals(left)).toBe(true);
    await copying(jobId, 8);
    await ground.vma.call('cancelJob', { body: { job_id: jobId } }, { signal });
  });

  test('ten requests at once for the same attempt: one is started', async () => {
    const jobId = newJob();
    const body = await requestFor(jobId, 1);
    const answers = await Promise.allSettled(Array.from({ length: 10 }, () => ground.replicate(body)));
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await atGate(jobId);
    expect(writers()).toHaveLength(1);
    await ground.vma.call('cancelJob', { body: { job_id: jobId } }, { signal });
  });

  test('attempts in any order: the highest is the one that lives, alone', async () => {
    const jobId = newJob();
    const bodies = await Promise.all([4, 2, 5, 1, 3].map((attempt) => requestFor(jobId, attempt)));
    await Promise.allSettled(bodies.map((body) => ground.replicate(body)));
    expect(await atGate(jobId)).toMatchObject({ attempt: 5, state: 'connected' });
    expect(writers()).toHaveLength(1);
    await ground.vma.call('cancelJob', { body: { job_id: jobId } }, { signal });
  });

  test('what is sent is counted while it is sent, and is never more than was taken', async () => {
    const jobId = newJob();
    await copying(jobId, 1);
    const seen = await eventually(async () => {
      const { aggregate } = await ground.vma.call('getJobProgress', { params: { job_id: jobId } }, { signal });
      return aggregate.bytes_transferred > mib ? aggregate : null;
    }, 'a MiB is counted');
    expect(seen.total_bytes).toBe(sizeBytes);
    expect(seen.percent).toBeLessThan(100);
    expect(seen.throughput_bps).toBeGreaterThan(0);
    await ground.vma.call('cancelJob', { body: { job_id: jobId } }, { signal });
    const { status } = await ground.vma.call('getJobProgress', { params: { job_id: jobId } }, { signal });
    expect(status).toBe('stopped');
  });
});
