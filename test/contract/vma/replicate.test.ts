import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { allocatedBytes } from '../../fixtures/appliance.ts';
import { testSignal } from '../../fixtures/daemon-process.ts';
import { sha256OfFirst } from '../../fixtures/disk-bytes.ts';
import { processesUsing } from '../../fixtures/leftovers.ts';
import { newJob, type Replicate, vmaGround } from '../../fixtures/vma-ground.ts';
import { diskIn } from '../../fixtures/vma-process.ts';

const mib = 1024 ** 2;
const signal = testSignal();
const ground = vmaGround();

/** The file behind a disk that the lab's vCenter made itself. */
const sourceOf = (vm: string): string => join(ground.lab.dir, 'vcenter/disks', `${vm}-0.raw`);

const open = (jobId: string, attempt = 1, diskKey = 2000) =>
  ground.vma.call('openGate', { params: { job_id: jobId }, body: { disk_key: diskKey, attempt } }, { signal });
const status = (jobId: string) => ground.vma.call('getJobStatus', { params: { job_id: jobId } }, { signal });

describe('a disk of a VM that is off', () => {
  test('is sent once its gate is opened, and not a byte before; past its end the target reads as zero', async () => {
    const vm = await ground.vm('efi-secure-01');
    const { target, disk } = await ground.target(2000, 33 * mib);
    const jobId = newJob();
    const asked: Replicate = { job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets: [target] };
    expect(await ground.replicate(asked)).toMatchObject({ job_id: jobId, disks: [{ disk_key: 2000, attempt: 1 }] });
    const waiting = await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'connected', 'failed');
    expect(waiting).toMatchObject({ state: 'connected', mover: 'folder', bytes_total: 33 * mib, bytes_written: 0 });
    expect(await ground.vma.call('getJobProgress', { params: { job_id: jobId } }, { signal })).toMatchObject({
      stage: 'gate',
      status: 'running',
      aggregate: { bytes_transferred: 0, percent: 0 },
    });
    expect(allocatedBytes(disk.backingPath)).toBe(0);
    await open(jobId);
    expect(await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'done', 'failed')).toMatchObject({
      state: 'done',
      bytes_written: 33 * mib,
      error: null,
    });
    expect(sha256OfFirst(disk.node, 32 * mib)).toBe(sha256OfFirst(sourceOf('efi-secure-01'), 32 * mib));
    expect(
      readFileSync(disk.node)
        .subarray(32 * mib)
        .every((byte) => byte === 0),
    ).toBe(true);
    // Asked again after a lost answer: it is open already.
    expect(await open(jobId)).toMatchObject({ disks: [{ state: 'done' }] });
    expect(processesUsing(ground.dir, 'nbdcopy')).toEqual([]);
  });

  test('only the listed areas are written', async () => {
    const vm = await ground.vm('efi-secure-01');
    const { target, disk } = await ground.target(2000, 32 * mib);
    const jobId = newJob();
    const extents = [
      { offset: mib, length: mib },
      { offset: 8 * mib, length: 2 * mib },
    ];
    const nbd_targets = [{ ...target, extents }];
    await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets });
    await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'connected');
    await open(jobId);
    const done = await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'done', 'failed');
    expect(done).toMatchObject({ state: 'done', bytes_total: 3 * mib, bytes_written: 3 * mib });
    const [source, written] = [readFileSync(sourceOf('efi-secure-01')), readFileSync(disk.node)];
    const expected = Buffer.alloc(32 * mib);
    for (const { offset, length } of extents) source.copy(expected, offset, offset, offset + length);
    expect(written.equals(expected)).toBe(true);
  });

  test('a VM that is on fails before its gate', async () => {
    const vm = await ground.vm('live-notools-01');
    const { target, disk } = await ground.target(2000, 16 * mib);
    const jobId = newJob();
    await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets: [target] });
    const failed = await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'failed', 'connected');
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'SOURCE_CHANGED' } });
    await expect(open(jobId)).rejects.toMatchObject({ code: 'GATE_SHUT' });
    expect(allocatedBytes(disk.backingPath)).toBe(0);
  });
});

test('what a snapshot froze is sent, whatever the guest writes meanwhile', async () => {
  const vm = await ground.vm('live-cbt-01');
  const id = newJob();
  const frozen = await ground.vma.call(
    'freezeVm',
    { params: { vm_id: vm.vm_id }, body: { id, quiesce: true } },
    { signal },
  );
  const before = join(ground.oma.folder, 'frozen.raw');
  copyFileSync(sourceOf('live-cbt-01'), before);
  await ground.lab.control(`POST vcenter-vms/${encodeURIComponent('live-cbt-01')}/mutate`, { bytes: 4 * mib });
  const { target, disk } = await ground.target(2000, 64 * mib);
  const snapshot = frozen.snapshot;
  await ground.replicate({ job_id: id, vm_id: vm.vm_id, attempt: 1, snapshot, nbd_targets: [target] });
  await diskIn(ground.vma, { jobId: id, diskKey: 2000 }, 'connected');
  await open(id);
  expect(await diskIn(ground.vma, { jobId: id, diskKey: 2000 }, 'done', 'failed')).toMatchObject({
    state: 'done',
    mover: 'lab',
  });
  expect(sha256OfFirst(disk.node, 64 * mib)).toBe(sha256OfFirst(before, 64 * mib));
  expect(sha256OfFirst(disk.node, 64 * mib)).not.toBe(sha256OfFirst(sourceOf('live-cbt-01'), 64 * mib));
  await ground.vma.call('thawVm', { params: { vm_id: vm.vm_id, id } }, { signal });
  expect((await ground.vm('live-cbt-01')).vsphere?.snapshots).toEqual([]);
});

describe('the whole request is refused, and nothing is started', () => {
  const refused = async (
    change: (body: Replicate) => Replicate,
    code: string,
    vmName = 'mixed-controllers-01',
  ): Promise<void> => {
    const vm = await ground.vm(vmName);
    const keys = vm.disks.map(({ key }) => key);
    const nbd_targets = keys.map((key) => ({
      disk_key: key,
      url: `nbd://127.0.0.1:10809/migration-vol-${String(key)}`,
      device_bytes: 16 * mib,
      extents: null,
    }));
    const asked = { job_id: newJob(), vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets };
    const body = change(asked);
    await expect(ground.replicate(body)).rejects.toMatchObject({ code });
    await expect(status(asked.job_id)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(processesUsing(ground.dir, 'nbdcopy')).toEqual([]);
  };
  const second = (body: Replicate, change: Partial<Replicate['nbd_targets'][number]>): Replicate => ({
    ...body,
    nbd_targets: body.nbd_targets.map((one, place) => (place === 1 ? { ...one, ...change } : one)),
  });

  test.each([
    ['the same disk twice', { disk_key: 32000 }, 'DUPLICATE_TARGET'],
    ['the same export twice', { url: 'nbd://127.0.0.1:10809/migration-vol-32000' }, 'DUPLICATE_TARGET'],
    ['the same export, written otherwise', { url: 'nbd://127.0.0.1/migration%2Dvol-32000' }, 'DUPLICATE_TARGET'],
    ['a disk that the VM has not', { disk_key: 1 }, 'UNKNOWN_DISK'],
    ['a target that is one byte too small', { device_bytes: 16 * mib - 1 }, 'TARGET_TOO_SMALL'],
    ['an area past the end', { extents: [{ offset: 16 * mib - 512, length: 1024 }] }, 'INVALID_REQUEST'],
    [
      'areas out of order',
      {
        extents: [
          { offset: mib, length: mib },
          { offset: 0, length: mib },
        ],
      },
      'INVALID_REQUEST',
    ],
    ['no area', { extents: [] }, 'INVALID_REQUEST'],
    ['a file of this machine', { url: 'nbd+unix:///x?socket=/run/x' }, 'INVALID_REQUEST'],
    ['a word for the program', { url: 'nbd://127.0.0.1/x?tls-certificates=/etc' }, 'INVALID_REQUEST'],
  ])('%s', async (_, change, code) => {
    await refused((body) => second(body, change), code);
  });

  test('a VM that nobody lists, a snapshot of somebody else', async () => {
    await refused((body) => ({ ...body, vm_id: newJob() }), 'NOT_FOUND');
    await refused((body) => ({ ...body, snapshot: 'snapshot-1' }), 'SNAPSHOT_NOT_OURS');
  });

  test('a refused request uses no attempt up', async () => {
    const vm = await ground.vm('efi-secure-01');
    const jobId = newJob();
    const { target } = await ground.target(2000, 32 * mib);
    const asked: Replicate = { job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets: [target] };
    const small = { ...asked, nbd_targets: [{ ...target, device_bytes: mib }] };
    await expect(ground.replicate(small)).rejects.toMatchObject({ code: 'TARGET_TOO_SMALL' });
    expect(await ground.replicate(asked)).toMatchObject({ disks: [{ attempt: 1 }] });
    // One job, one VM.
    const other = await ground.vm('vsan-01');
    const swapped = { ...asked, vm_id: other.vm_id, attempt: 2 };
    await expect(ground.replicate(swapped)).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    const cancelled = await ground.vma.call('cancelJob', { body: { job_id: jobId, disk_key: 2000 } }, { signal });
    expect(cancelled).toMatchObject({ disks: [{ state: 'stopped', error: null }] });
    expect(processesUsing(ground.dir, 'nbdcopy')).toEqual([]);
  });
});

test('a target that is smaller than it was said to be: the mover refuses it before a byte', async () => {
  const vm = await ground.vm('efi-secure-01');
  const { target, disk } = await ground.target(2000, 31 * mib);
  const jobId = newJob();
  const nbd_targets = [{ ...target, device_bytes: 32 * mib }];
  await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets });
  const failed = await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'failed');
  expect(failed).toMatchObject({ error: { code: 'TARGET_TOO_SMALL' }, bytes_written: 0 });
  expect(allocatedBytes(disk.backingPath)).toBe(0);
});

test('nobody listens there: failed, with the words of the program', async () => {
  const vm = await ground.vm('efi-secure-01');
  const jobId = newJob();
  const nbd_targets = [{ disk_key: 2000, url: 'nbd://127.0.0.1:1/x', device_bytes: 32 * mib, extents: null }];
  await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets });
  const { error } = await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'failed');
  expect(error).toMatchObject({ code: 'MOVER_FAILED' });
});

test('a gate is opened for the very attempt that waits at it', async () => {
  const vm = await ground.vm('efi-secure-01');
  const { target, disk } = await ground.target(2000, 32 * mib);
  const jobId = newJob();
  await expect(open(jobId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 7, snapshot: null, nbd_targets: [target] });
  await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'connected');
  for (const attempt of [6, 8]) await expect(open(jobId, attempt)).rejects.toMatchObject({ code: 'ATTEMPT_STALE' });
  await expect(open(jobId, 7, 2001)).rejects.toMatchObject({ code: 'UNKNOWN_DISK' });
  expect(allocatedBytes(disk.backingPath)).toBe(0);
  await ground.vma.call('cancelJob', { body: { job_id: jobId } }, { signal });
  await expect(open(jobId, 7)).rejects.toMatchObject({ code: 'GATE_SHUT' });
  expect(allocatedBytes(disk.backingPath)).toBe(0);
});
