import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import type { Cloud } from '../../../main/ports/cloud.ts';
import {
  answerOf,
  attachedVolume,
  callToEnd,
  cloudOf,
  controlLab,
  endOfJob,
  newVolume,
  readLabFile,
  within,
} from '../../fixtures/cloud-of-lab.ts';

let dir: string;
let lab: Lab;
let file: LabFile;
let cloud: Cloud;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  lab = await startLab({ dir, port: 0, log: () => undefined });
  file = readLabFile(dir);
  cloud = cloudOf(file);
  await controlLab(file, 'POST settings', { delay_ms: [0, 10] });
});
afterAll(async () => {
  await lab.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await controlLab(file, 'DELETE faults');
});

const ended = async (started: Promise<{ jobId: string }>): Promise<unknown> => endOfJob(cloud, (await started).jobId);
const backing = (volumeId: string): string => join(dir, 'volumes', `${volumeId}.raw`);
const deviceOf = (volumeId: string): string =>
  join(file.host_root, 'dev/disk/by-id', `virtio-${volumeId.replaceAll('-', '').slice(0, 20)}`);

/** Through the device, with nothing but its own cache in between. */
async function writeThrough(volumeId: string, text: string): Promise<void> {
  const handle = await open(deviceOf(volumeId), 'r+');
  try {
    await handle.write(Buffer.from(text), 0, text.length, 1024 * 1024);
  } finally {
    await handle.close();
  }
}
async function bytesOf(path: string, length: number): Promise<string> {
  const handle = await open(path, 'r');
  try {
    return (await handle.read(Buffer.alloc(length), 0, length, 1024 * 1024)).buffer.toString();
  } finally {
    await handle.close();
  }
}

describe('a snapshot', () => {
  test('freezes the bytes; a volume made of it has them, whatever was written since', async () => {
    const { id } = await attachedVolume(cloud, file, 'frozen');
    await writeThrough(id, 'before');
    const { jobId, snapshotId } = await cloud.createSnapshot(id, { name: 'moment', ...within() });
    expect(await endOfJob(cloud, jobId)).toEqual({ state: 'succeeded' });
    expect(await cloud.snapshotsOf(id, within())).toEqual([
      { id: snapshotId, name: 'moment', volumeId: id, state: 'BackedUp' },
    ]);
    await writeThrough(id, 'after!');
    const request = { name: 'thawed', snapshotId, zoneId: file.zone_id };
    const made = await cloud.createVolumeFromSnapshot(request, within());
    expect(await endOfJob(cloud, made.jobId)).toEqual({ state: 'succeeded' });
    expect(await cloud.volume(made.volumeId, within())).toMatchObject({
      state: 'Ready',
      sizeBytes: 2 ** 30,
      vmId: null,
    });
    expect(await bytesOf(backing(made.volumeId), 6)).toBe('before');
    // Mostly holes before, mostly holes now.
    expect(statSync(backing(made.volumeId)).blocks * 512).toBeLessThan(4 * 2 ** 20);

    // The copy is a disk like any other, and writing to it leaves the snapshot and the original alone.
    await ended(cloud.attachVolume(made.volumeId, file.oma_vm_id, within()));
    await writeThrough(made.volumeId, 'rehear');
    expect(await bytesOf(deviceOf(id), 6)).toBe('after!');
    expect(await bytesOf(join(dir, 'snapshots', `${snapshotId}.raw`), 6)).toBe('before');

    expect(await ended(cloud.deleteSnapshot(snapshotId, within()))).toEqual({ state: 'succeeded' });
    expect(await cloud.snapshotsOf(id, within())).toEqual([]);
    expect(readdirSync(join(dir, 'snapshots'))).toEqual([]);
  });

  test('of a volume that is not Ready is refused at once', async () => {
    const { id } = await newVolume(cloud, file, 'never attached');
    await expect(cloud.createSnapshot(id, { name: 'x', ...within() })).rejects.toMatchObject({
      details: {
        error_code: 431,
        error_text: `VolumeId: ${id} is not in Ready state but Allocated. Cannot take snapshot.`,
      },
    });
  });

  test('of a running VM fails where kvm.snapshot.enabled is false', async () => {
    const { id } = await attachedVolume(cloud, file, 'old cloud');
    await controlLab(file, 'POST settings', { kvm_snapshot_enabled: false });
    try {
      expect(await ended(cloud.createSnapshot(id, { name: 'x', ...within() }))).toMatchObject({
        code: 530,
        text: expect.stringContaining('KVM Snapshot is not supported for Running VMs') as string,
      });
      expect(await cloud.volume(id, within())).toMatchObject({ state: 'Ready' });
    } finally {
      await controlLab(file, 'POST settings', { kvm_snapshot_enabled: true });
    }
  });

  test('in progress keeps its volume from being deleted', async () => {
    const { id } = await attachedVolume(cloud, file, 'busy');
    await ended(cloud.detachVolume(id, within()));
    await controlLab(file, 'POST faults', { fault: 'slow-job', value: 500, match: { command: 'createSnapshot' } });
    const { jobId } = await cloud.createSnapshot(id, { name: 'x', ...within() });
    await expect(cloud.deleteVolume(id, within())).rejects.toMatchObject({
      details: { error_text: 'There are snapshot operations in progress on the volume, unable to delete it' },
    });
    await expect.poll(async () => (await cloud.volume(id, within()))?.state, { interval: 10 }).toBe('Snapshotting');
    expect(await endOfJob(cloud, jobId)).toEqual({ state: 'succeeded' });
    await cloud.deleteVolume(id, within());
  });
});

describe('the size of a volume', () => {
  test('grows while it is attached: the device keeps its name and shows the new size', async () => {
    const { id } = await attachedVolume(cloud, file, 'growing');
    await writeThrough(id, 'stays');
    const name = readlinkSync(deviceOf(id));
    const job = await callToEnd(file, { command: 'resizeVolume', id, size: '2' });
    expect(job).toMatchObject({ jobstatus: 1, jobresult: { volume: { size: 2 * 2 ** 30, state: 'Ready' } } });
    expect(readlinkSync(deviceOf(id))).toBe(name);
    const entry = join(file.host_root, 'sys/block', name.slice(6));
    expect(Number(readFileSync(join(entry, 'size'), 'utf8')) * 512).toBe(2 * 2 ** 30);
    const handle = await open(deviceOf(id), 'r');
    try {
      // Its last sector can be read.
      expect((await handle.read(Buffer.alloc(512), 0, 512, 2 * 2 ** 30 - 512)).bytesRead).toBe(512);
    } finally {
      await handle.close();
    }
    expect(await bytesOf(deviceOf(id), 5)).toBe('stays');
  });

  test('shrinks only when that was signed off', async () => {
    const { id } = await newVolume(cloud, file, { name: 'shrinking', sizeGib: 3 });
    const refused = await answerOf(file, { command: 'resizeVolume', id, size: '2' });
    expect(refused).toMatchObject({ errorcode: 431, errortext: expect.stringContaining('would shrink') as string });
    const job = await callToEnd(file, { command: 'resizeVolume', id, size: '2', shrinkok: 'true' });
    expect(job).toMatchObject({ jobresult: { volume: { size: 2 * 2 ** 30, state: 'Allocated' } } });
  });

  test.each([
    [1024, null],
    [1025, 'Volume size: 1025 GB is out of allowed range. Min: 1. Max: 1024'],
    [0, 'Volume size: 0 GB is out of allowed range. Min: 1. Max: 1024'],
  ])('%i GB', async (sizeGib, text) => {
    const made = newVolume(cloud, file, { name: `size ${sizeGib}`, sizeGib });
    if (text === null) expect(await made).toMatchObject({ sizeBytes: 2 ** 40 });
    else await expect(made).rejects.toMatchObject({ details: { error_text: text } });
  });

  test('beyond storage.max.volume.size', async () => {
    await controlLab(file, 'POST settings', { custom_size_gb: [1, 4096] });
    try {
      await expect(newVolume(cloud, file, { name: 'very large', sizeGib: 2001 })).rejects.toMatchObject({
        details: { error_text: expect.stringContaining('but the maximum size allowed is 2000 GB.') as string },
      });
      expect(await cloud.limits(within())).toMatchObject({ largestVolumeGib: 2000 });
    } finally {
      await controlLab(file, 'POST settings', { custom_size_gb: [1, 1024] });
    }
    expect(await cloud.limits(within())).toMatchObject({ largestVolumeGib: 1024 });
  });
});

describe('destroying a volume', () => {
  test('keeps it until it is recovered or expunged', async () => {
    const { id } = await attachedVolume(cloud, file, 'destroyed');
    expect(await callToEnd(file, { command: 'destroyVolume', id })).toMatchObject({
      jobresult: { errortext: 'Please specify a volume that is not attached to any VM.' },
    });
    await ended(cloud.detachVolume(id, within()));
    expect(await callToEnd(file, { command: 'destroyVolume', id })).toMatchObject({
      jobresult: { volume: { state: 'Destroy', destroyed: true } },
    });
    expect(await ended(cloud.attachVolume(id, file.oma_vm_id, within()))).toMatchObject({
      text: 'Please specify a volume that is not destroyed.',
    });
    expect(await answerOf(file, { command: 'recoverVolume', id })).toMatchObject({ volume: { state: 'Ready' } });
    expect(existsSync(backing(id))).toBe(true);
    await callToEnd(file, { command: 'destroyVolume', id, expunge: 'true' });
    expect(await cloud.volume(id, within())).toBeNull();
    expect(existsSync(backing(id))).toBe(false);
  });
});

describe('sentinels', () => {
  test('are foreign disks of known bytes on the appliance, and one changed bit is seen', async () => {
    type Sentinels = { sentinels: { volume_id: string; path: string; sha256: string }[] };
    const { sentinels } = await controlLab<Sentinels>(file, 'POST sentinels', { count: 2, size_mib: 64 });
    expect(await controlLab<Sentinels>(file, 'GET sentinels')).toEqual({ sentinels });
    const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
    for (const { volume_id, path, sha256 } of sentinels) {
      expect(await cloud.volume(volume_id, within())).toMatchObject({ vmId: file.oma_vm_id, tags: {} });
      expect(existsSync(deviceOf(volume_id))).toBe(true);
      expect(hashOf(path)).toBe(sha256);
    }
    const [first] = sentinels;
    await writeThrough(first?.volume_id ?? '', '!');
    const device = await open(deviceOf(first?.volume_id ?? ''), 'r+');
    await device.sync();
    await device.close();
    expect(hashOf(first?.path ?? '')).not.toBe(first?.sha256);
  });
});
