import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import { attachedVolume, cloudOf, controlLab, newVolume, readLabFile } from '../../fixtures/cloud-of-lab.ts';
import { loopsBelow } from '../../fixtures/lab-process.ts';
import { eventually } from '../../fixtures/real-clock.ts';

const kinds = process.getuid?.() === 0 ? (['loop', 'file'] as const) : (['file'] as const);

let running: { dir: string; lab: Lab; file: LabFile } | null = null;

async function start(kind: 'loop' | 'file', seed: number): Promise<{ dir: string; file: LabFile }> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'ossea-lab-')));
  const devices = kind === 'file' ? { devices: 'file' as const } : {};
  const lab = await startLab({ dir, port: 0, seed, log: () => undefined, ...devices });
  running = { dir, lab, file: readLabFile(dir) };
  await controlLab(running.file, 'POST settings', { delay_ms: [0, 10], adversary_every_ms: [1, 10] });
  return running;
}

async function stop(): Promise<void> {
  if (running === null) return;
  const { dir, lab } = running;
  running = null;
  await lab.close();
  const left = loopsBelow(dir);
  rmSync(dir, { recursive: true, force: true });
  expect(left).toEqual([]);
}
afterEach(stop);

type Device = { name: string; serial: string; diskseq: number; node: string };

/** What the guest shows; only asked when the adversary rests. */
function devices(root: string): Device[] {
  return readdirSync(join(root, 'sys/block'))
    .filter((name) => name !== 'vda')
    .map((name) => {
      const text = (field: string): string => readFileSync(join(root, 'sys/block', name, field), 'utf8').trim();
      const node = readlinkSync(join(root, 'dev', name));
      return { name, serial: text('serial'), diskseq: Number(text('diskseq')), node };
    });
}
const serialOf = (volumeId: string): string => volumeId.replaceAll('-', '').slice(0, 20);

const exchanges = async (file: LabFile): Promise<number> =>
  (await controlLab<{ adversary: { exchanges: number } }>(file, 'GET state')).adversary.exchanges;

async function letItExchange(file: LabFile, times: number): Promise<void> {
  const before = await exchanges(file);
  await controlLab(file, 'POST settings', { adversary: 'on' });
  await eventually(async () => (await exchanges(file)) >= before + times, `${times} exchanges`);
  await controlLab(file, 'POST settings', { adversary: 'off' });
  // One that had begun ends within the next call that waits for the appliance.
  await newVolumeAttached(file);
}

/** Any attach waits for what the appliance is doing. */
async function newVolumeAttached(file: LabFile): Promise<void> {
  await attachedVolume(cloudOf(file), file, { name: 'comes after', sizeGib: 7 });
}

describe.each(kinds)('the adversary, with a %s for each disk', (kind) => {
  test('exchanges the names of disks of one size: new numbers, the same serials, each over its own bytes', async () => {
    const { dir, file } = await start(kind, 11);
    const cloud = cloudOf(file);
    const twins = [await attachedVolume(cloud, file, 'a'), await attachedVolume(cloud, file, 'b')];
    const single = await attachedVolume(cloud, file, { name: 'c', sizeGib: 2 });
    const before = devices(file.host_root);
    await letItExchange(file, 1);
    const isSwapped = (await exchanges(file)) % 2 === 1;
    const after = devices(file.host_root);

    const find = (list: Device[], id: string): Device => {
      const device = list.find(({ serial }) => serial === serialOf(id));
      if (device === undefined) throw new Error(`no device of ${id}`);
      return device;
    };
    const names = (list: Device[]): string[] => twins.map(({ id }) => find(list, id).name);
    expect(names(after)).toEqual(isSwapped ? names(before).reverse() : names(before));
    for (const { id } of twins) {
      expect(find(after, id).diskseq).toBeGreaterThan(Math.max(...before.map(({ diskseq }) => diskseq)));
      const { node } = find(after, id);
      const behind = kind === 'file' ? node : loopsBelow(dir).find(({ name }) => `/dev/${name}` === node)?.backingFile;
      expect(behind).toBe(join(dir, 'volumes', `${id}.raw`));
      const byId = join(file.host_root, 'dev/disk/by-id', `virtio-${serialOf(id)}`);
      expect(statSync(byId).ino).toBe(statSync(node).ino);
    }
    expect(find(after, single.id)).toEqual(find(before, single.id));
  });

  test('leaves alone what a process has open', async () => {
    const { file } = await start(kind, 12);
    const cloud = cloudOf(file);
    for (const name of ['held', 'b', 'c']) await attachedVolume(cloud, file, name);
    const [held] = devices(file.host_root);
    const handle = await open(join(file.host_root, 'dev', held?.name ?? ''), 'r');
    try {
      await letItExchange(file, 5);
      expect(devices(file.host_root)).toContainEqual(held);
    } finally {
      await handle.close();
    }
  });
});

test('its choices follow the seed', async () => {
  const told: number[] = [];
  for (const seed of [42, 42, 43]) {
    await start('file', seed);
    const { adversary } = await controlLab<{ adversary: { random: { value: number } } }>(
      running?.file ?? ({} as LabFile),
      'GET state',
    );
    told.push(adversary.random.value);
    await stop();
  }
  expect(told).toEqual([42, 42, 43]);
});

test('with fewer than two disks of a size it does nothing', async () => {
  const { file } = await start('file', 13);
  await newVolume(cloudOf(file), file, 'detached');
  await attachedVolume(cloudOf(file), file, 'alone');
  const before = devices(file.host_root);
  await controlLab(file, 'POST settings', { adversary: 'on' });
  await attachedVolume(cloudOf(file), file, { name: 'larger', sizeGib: 2 });
  await controlLab(file, 'POST settings', { adversary: 'off' });
  expect(await exchanges(file)).toBe(0);
  expect(devices(file.host_root)).toEqual(expect.arrayContaining(before));
});
