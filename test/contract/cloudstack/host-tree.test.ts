import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import type { Cloud, CloudVolume } from '../../../main/ports/cloud.ts';
import {
  attachedVolume,
  cloudOf,
  controlLab,
  endOfJob,
  newVolume,
  readLabFile,
  within,
} from '../../fixtures/cloud-of-lab.ts';
import { loopsBelow } from '../../fixtures/lab-process.ts';
import { eventually } from '../../fixtures/real-clock.ts';

const isRoot = process.getuid?.() === 0;
const kinds = isRoot ? (['loop', 'file'] as const) : (['file'] as const);

let open_: { dir: string; lab: Lab; file: LabFile; cloud: Cloud } | null = null;

async function lab(kind: 'loop' | 'file', seed = 7): Promise<{ dir: string; file: LabFile; cloud: Cloud }> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'ossea-lab-')));
  const devices = kind === 'file' ? { devices: 'file' as const } : {};
  const started = await startLab({ dir, port: 0, seed, log: () => undefined, ...devices });
  const file = readLabFile(dir);
  open_ = { dir, lab: started, file, cloud: cloudOf(file) };
  await controlLab(file, 'POST settings', { delay_ms: [0, 20] });
  return open_;
}

afterEach(async () => {
  if (open_ === null) return;
  const { dir, lab: started } = open_;
  open_ = null;
  await started.close();
  const left = loopsBelow(dir);
  rmSync(dir, { recursive: true, force: true });
  expect(left).toEqual([]);
});

const serialOf = (volumeId: string): string => volumeId.replaceAll('-', '').slice(0, 20);

type Entry = { name: string; serial: string; size: number; dev: string; diskseq: number };

/** The way a watcher reads: whole entries or nothing. */
function entries(root: string): Entry[] {
  return readdirSync(join(root, 'sys/block')).map((name) => {
    const text = (field: string): string => readFileSync(join(root, 'sys/block', name, field), 'utf8').trim();
    return {
      name,
      serial: text('serial'),
      size: Number(text('size')) * 512,
      dev: text('dev'),
      diskseq: Number(text('diskseq')),
    };
  });
}

const entryOf = (root: string, volume: CloudVolume): Entry => {
  const entry = entries(root).find((candidate) => candidate.serial === serialOf(volume.id));
  if (entry === undefined) throw new Error(`no device of ${volume.id}`);
  return entry;
};
const bootId = (root: string): string => readFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'utf8').trim();

/** What `stat -L` says of the node behind a name: the number that gate and prerun compare. */
function kernelIdentity(path: string): string {
  const format = statSync(path).isBlockDevice() ? '%Hr:%Lr' : '%d:%i';
  return execFileSync('stat', ['-L', '-c', format, path], { encoding: 'utf8' }).trim();
}

async function writeThrough(node: string, text: string): Promise<void> {
  const handle = await open(node, 'r+');
  try {
    await handle.write(Buffer.from(text), 0, text.length, 0);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
async function firstBytes(node: string, length: number): Promise<string> {
  const handle = await open(node, 'r');
  try {
    const { buffer } = await handle.read(Buffer.alloc(length), 0, length, 0);
    return buffer.toString();
  } finally {
    await handle.close();
  }
}

describe.each(kinds)('the appliance with a %s for each disk', (kind) => {
  test('shows an attached volume whole: serial, size, number, links', async () => {
    const { dir, file, cloud } = await lab(kind);
    const root = file.host_root;
    expect(entries(root)).toEqual([expect.objectContaining({ name: 'vda', serial: '' })]);

    const volume = await attachedVolume(cloud, file, { name: 'whole', sizeGib: 3 });
    const entry = entryOf(root, volume);
    const backing = join(dir, 'volumes', `${volume.id}.raw`);
    expect(entry).toMatchObject({ size: 3 * 2 ** 30, diskseq: 2 });
    expect(statSync(backing)).toMatchObject({ size: 3 * 2 ** 30, blocks: 0 });
    const byId = join(root, 'dev/disk/by-id', `virtio-${entry.serial}`);
    expect(readlinkSync(byId)).toBe(`../../${entry.name}`);
    expect(kernelIdentity(byId)).toBe(entry.dev);
    expect(readlinkSync(join(root, 'dev', entry.name))).toMatch(kind === 'loop' ? /^\/dev\/loop\d+$/ : /\.raw$/);
    expect(readdirSync(join(root, 'sys/block', entry.name, 'holders'))).toEqual([]);
    await writeThrough(byId, 'through the device');
    expect(await firstBytes(backing, 18)).toBe('through the device');

    await endOfJob(cloud, (await cloud.detachVolume(volume.id, within())).jobId);
    expect(entries(root).map(({ name }) => name)).toEqual(['vda']);
    expect(existsSync(byId)).toBe(false);
    expect(loopsBelow(dir).filter((loop) => loop.backingFile === backing)).toEqual([]);
    await cloud.deleteVolume(volume.id, within());
    expect(existsSync(backing)).toBe(false);
  });

  test('never shows half an entry or a wrong link while ten attaches run', async () => {
    const { file, cloud } = await lab(kind);
    const root = file.host_root;
    const volumes = await Promise.all([...Array(10).keys()].map((index) => newVolume(cloud, file, `ten-${index}`)));
    const watcher = watchTree(root);
    const jobs = await Promise.all(volumes.map((volume) => cloud.attachVolume(volume.id, file.oma_vm_id, within())));
    for (const { jobId } of jobs) expect(await endOfJob(cloud, jobId)).toEqual({ state: 'succeeded' });
    const { looks, wrong } = await watcher.end();
    expect(wrong).toEqual([]);
    expect(looks).toBeGreaterThan(10);

    const shown = entries(root).filter(({ serial }) => serial !== '');
    expect(shown.map(({ serial }) => serial).sort()).toEqual(volumes.map(({ id }) => serialOf(id)).sort());
    for (const field of ['name', 'dev', 'diskseq'] as const)
      expect(new Set(shown.map((entry) => entry[field])).size).toBe(10);
    // Names say nothing: neither the order of the attaches nor the device ids.
    const byAge = [...shown].sort((a, b) => a.diskseq - b.diskseq).map(({ name }) => name);
    expect(byAge).not.toEqual([...byAge].sort());
  });

  test('a reboot: new boot id, every data disk under another name', async () => {
    const { file, cloud } = await lab(kind);
    const root = file.host_root;
    const volumes = [];
    for (const name of ['a', 'b', 'c']) volumes.push(await attachedVolume(cloud, file, name));
    const before = { bootId: bootId(root), entries: volumes.map((volume) => entryOf(root, volume)) };
    const report = await controlLab<{ boot_id: string; still_held: string[] }>(file, 'POST restart-oma');
    expect(report).toMatchObject({ boot_id: bootId(root), still_held: [] });
    expect(bootId(root)).not.toBe(before.bootId);
    for (const [index, volume] of volumes.entries()) {
      const entry = entryOf(root, volume);
      expect(entry.name).not.toBe(before.entries[index]?.name);
      expect(entry.diskseq).toBeGreaterThan(4);
      expect(kernelIdentity(join(root, 'dev', entry.name))).toBe(entry.dev);
    }
  });

  test('swapped devices: what is written through the old number lands in the other volume', async () => {
    const { dir, file, cloud } = await lab(kind);
    const root = file.host_root;
    const a = await attachedVolume(cloud, file, 'a');
    const b = await attachedVolume(cloud, file, 'b');
    const before = { a: entryOf(root, a), b: entryOf(root, b) };
    const held = await open(join(root, 'dev', before.a.name), 'r+');
    try {
      await controlLab(file, 'POST swap', { volume_a: a.id, volume_b: b.id });
      await held.write(Buffer.from('astray'), 0, 6, 0);
      await held.sync();
    } finally {
      await held.close();
    }
    const after = { a: entryOf(root, a), b: entryOf(root, b) };
    expect([after.a.name, after.b.name]).toEqual([before.b.name, before.a.name]);
    expect([after.a.dev, after.b.dev]).toEqual([before.b.dev, before.a.dev]);
    expect(after.a.diskseq).toBeGreaterThan(before.b.diskseq);
    for (const entry of [after.a, after.b]) {
      expect(kernelIdentity(join(root, 'dev/disk/by-id', `virtio-${entry.serial}`))).toBe(entry.dev);
    }
    expect(await firstBytes(join(dir, 'volumes', `${b.id}.raw`), 6)).toBe('astray');
    await expect(controlLab(file, 'POST swap', { volume_a: a.id, volume_b: a.id })).rejects.toThrow('different');
  });

  test('exchanged bytes: no identity changes, only what is on the disks', async () => {
    const { file, cloud } = await lab(kind);
    const root = file.host_root;
    const a = await attachedVolume(cloud, file, 'a');
    const b = await attachedVolume(cloud, file, 'b');
    const before = [entryOf(root, a), entryOf(root, b)];
    await writeThrough(join(root, 'dev', before[0]?.name ?? ''), 'was a');
    await writeThrough(join(root, 'dev', before[1]?.name ?? ''), 'was b');
    await controlLab(file, 'POST exchange-bytes', { volume_a: a.id, volume_b: b.id });
    expect([entryOf(root, a), entryOf(root, b)]).toEqual(before);
    expect(await firstBytes(join(root, 'dev', before[0]?.name ?? ''), 5)).toBe('was b');
    expect(await firstBytes(join(root, 'dev', before[1]?.name ?? ''), 5)).toBe('was a');
  });

  test('devices without serials have no by-id link', async () => {
    const { file, cloud } = await lab(kind);
    await controlLab(file, 'POST settings', { serials: 'none' });
    await attachedVolume(cloud, file, 'nameless');
    expect(entries(file.host_root).map(({ serial }) => serial)).toEqual(['', '']);
    expect(readdirSync(join(file.host_root, 'dev/disk/by-id'))).toEqual([]);
  });

  test('a device that is late, one that never comes, a gap in the device ids', async () => {
    const { file, cloud } = await lab(kind);
    await controlLab(file, 'POST faults', { fault: 'device-late', value: 50 });
    const late = await attachedVolume(cloud, file, 'late');
    await eventually(
      () => entries(file.host_root).some(({ serial }) => serial === serialOf(late.id)),
      'the late device',
    );
    await controlLab(file, 'POST faults', { fault: 'device-never' });
    const never = await attachedVolume(cloud, file, 'never');
    await controlLab(file, 'POST faults', { fault: 'deviceid-gap' });
    const gap = await attachedVolume(cloud, file, 'gap');
    expect([late.deviceId, never.deviceId, gap.deviceId]).toEqual([1, 2, 5]);
    expect(entries(file.host_root)).toHaveLength(3);
    await controlLab(file, 'POST restart-oma');
    expect(entryOf(file.host_root, never).size).toBe(2 ** 30);
  });

  test('a volume vanishes with its device', async () => {
    const { file, cloud } = await lab(kind);
    const volume = await attachedVolume(cloud, file, 'gone');
    await controlLab(file, `POST volumes/${volume.id}/vanish`);
    expect(await cloud.volume(volume.id, within())).toBeNull();
    expect(entries(file.host_root)).toHaveLength(1);
  });
});

describe('a loop device that something holds', () => {
  test.skipIf(!isRoot)('is not detached in time; it goes when it is let go, and the next detach succeeds', async () => {
    const { dir, file, cloud } = await lab('loop');
    await controlLab(file, 'POST settings', { detach_wait_ms: 100 });
    const volume = await attachedVolume(cloud, file, 'held');
    const held = await open(join(file.host_root, 'dev', entryOf(file.host_root, volume).name), 'r');
    try {
      const first = await cloud.detachVolume(volume.id, within());
      expect(await endOfJob(cloud, first.jobId)).toMatchObject({
        state: 'failed',
        code: 530,
        text: expect.stringContaining(
          'Could not detach volume after sending the command and waiting for [100] milliseconds',
        ) as string,
      });
      expect(await cloud.volume(volume.id, within())).toMatchObject({ vmId: file.oma_vm_id });
    } finally {
      await held.close();
    }
    expect(await endOfJob(cloud, (await cloud.detachVolume(volume.id, within())).jobId)).toEqual({
      state: 'succeeded',
    });
    expect(loopsBelow(dir).map(({ backingFile }) => backingFile)).toEqual([join(dir, 'oma-root.raw')]);
  });
});

describe('a loop device that something holds over a reboot', () => {
  test.skipIf(!isRoot)('is named as still held, is no longer the disk, and does not stop a detach', async () => {
    const { dir, file, cloud } = await lab('loop');
    const volume = await attachedVolume(cloud, file, 'held');
    const before = entryOf(file.host_root, volume);
    const node = readlinkSync(join(file.host_root, 'dev', before.name));
    const held = await open(node, 'r');
    try {
      expect(await controlLab(file, 'POST restart-oma')).toMatchObject({ still_held: [node] });
      expect(entryOf(file.host_root, volume).dev).not.toBe(before.dev);
      expect(await endOfJob(cloud, (await cloud.detachVolume(volume.id, within())).jobId)).toEqual({
        state: 'succeeded',
      });
    } finally {
      await held.close();
    }
    await eventually(() => loopsBelow(dir).length === 1, 'the old loop device goes when it is let go');
  });
});

/** A process of its own that looks without a pause: an entry that is listed is complete, and its links lead to it. */
const watching = `
const { readdirSync, readFileSync, readlinkSync, statSync } = require('node:fs');
const { join } = require('node:path');
const root = process.argv[1];
const wrong = new Set();
let looks = 0;
const lookOnce = () => {
  for (const name of readdirSync(join(root, 'sys/block'))) {
    try {
      const text = (field) => readFileSync(join(root, 'sys/block', name, field), 'utf8').trim();
      const serial = text('serial');
      if (!(Number(text('size')) > 0) || !(Number(text('diskseq')) > 0)) wrong.add(name + ': empty field');
      if (!/^\\d+:\\d+$/.test(text('dev'))) wrong.add(name + ': dev ' + text('dev'));
      const node = statSync(join(root, 'dev', name));
      if (!node.isBlockDevice() && node.dev + ':' + node.ino !== text('dev')) wrong.add(name + ': another file');
      if (serial !== '' && readlinkSync(join(root, 'dev/disk/by-id/virtio-' + serial)) !== '../../' + name) wrong.add(name + ': link');
    } catch (error) {
      wrong.add(name + ': ' + error.message);
    }
  }
  looks += 1;
};
const timer = setInterval(() => { for (let n = 0; n < 20; n += 1) lookOnce(); }, 0);
process.stdin.resume().on('end', () => {
  clearInterval(timer);
  process.stdout.write(JSON.stringify({ looks, wrong: [...wrong] }));
});`;

function watchTree(root: string): { end(): Promise<{ looks: number; wrong: string[] }> } {
  const child = spawn(process.execPath, ['-e', watching, root], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => said.push(part));
  const closed = once(child, 'close');
  return {
    end: async () => {
      child.stdin.end();
      await closed;
      return JSON.parse(Buffer.concat(said).toString()) as { looks: number; wrong: string[] };
    },
  };
}
