import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  attachedVolume,
  cloudOf,
  controlLab,
  endOfJob,
  newVolume,
  stoppedVm,
  within,
} from '../../fixtures/cloud-of-lab.ts';
import {
  bundleLab,
  type LabProcess,
  type LabProgram,
  loopsBelow,
  startLabProcess,
} from '../../fixtures/lab-process.ts';
import { eventually } from '../../fixtures/real-clock.ts';

const isRoot = process.getuid?.() === 0;

let program: LabProgram;
let dir: string;
let running: LabProcess | null = null;

beforeAll(async () => {
  program = await bundleLab();
});
afterAll(() => program.remove());
beforeEach(() => {
  dir = realpathSync(mkdtempSync(join(tmpdir(), 'ossea-lab-')));
});
afterEach(async () => {
  await running?.stop();
  running = null;
  const left = loopsBelow(dir);
  rmSync(dir, { recursive: true, force: true });
  expect(left).toEqual([]);
});

async function start(options: Parameters<typeof startLabProcess>[2] = {}): Promise<LabProcess> {
  running = await startLabProcess(program, dir, options);
  return running;
}

/** Names, numbers and links of all devices, to compare before and after. */
function tree(root: string): Record<string, Record<string, string>> {
  const fields = ['serial', 'size', 'dev', 'diskseq'];
  return Object.fromEntries(
    readdirSync(join(root, 'sys/block')).map((name) => [
      name,
      Object.fromEntries(fields.map((field) => [field, readFileSync(join(root, 'sys/block', name, field), 'utf8')])),
    ]),
  );
}
const bootId = (root: string): string => readFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'utf8');

describe('a lab that is killed', () => {
  test('comes back on the same port with the same devices under the same boot', async () => {
    const first = await start();
    const cloud = cloudOf(first.file);
    for (const name of ['a', 'b', 'c']) await attachedVolume(cloud, first.file, name);
    const before = { tree: tree(first.file.host_root), bootId: bootId(first.file.host_root), loops: loopsBelow(dir) };
    await first.kill();
    if (isRoot) expect(loopsBelow(dir)).toEqual(before.loops);
    const second = await start();
    expect(second.file).toEqual({ ...first.file, pid: second.pid });
    expect(tree(second.file.host_root)).toEqual(before.tree);
    expect(bootId(second.file.host_root)).toBe(before.bootId);
    expect(loopsBelow(dir)).toEqual(before.loops);
  });

  test('goes on with its jobs wherever it was killed', async () => {
    let lab = await start();
    await controlLab(lab.file, 'POST settings', { delay_ms: [0, 60] });
    const seed = Math.floor(Math.random() * 2 ** 32);
    console.log(`seed of the kills: ${seed}`);
    let next = seed;
    const chance = (limit: number): number => {
      next = (Math.imul(next, 1_664_525) + 1_013_904_223) >>> 0;
      return next % limit;
    };
    for (let round = 0; round < 8; round += 1) {
      const cloud = cloudOf(lab.file);
      const { file } = lab;
      const volumes = [];
      for (let index = 0; index < 3; index += 1) volumes.push(await newVolume(cloud, file, `round-${round}-${index}`));
      const attaches = await Promise.all(volumes.map(({ id }) => cloud.attachVolume(id, file.oma_vm_id, within())));
      // A moment somewhere in the jobs: after so many looks at the first of them.
      for (let looks = chance(24); looks > 0; looks -= 1) await cloud.job(attaches[0]?.jobId ?? '', within());
      await lab.kill();
      lab = await start();
      for (const { jobId } of attaches)
        expect(await endOfJob(cloudOf(lab.file), jobId)).toEqual({ state: 'succeeded' });

      const detaches = await Promise.all(volumes.map(({ id }) => cloudOf(lab.file).detachVolume(id, within())));
      for (let looks = chance(24); looks > 0; looks -= 1)
        await cloudOf(lab.file).job(detaches[0]?.jobId ?? '', within());
      await lab.kill();
      lab = await start();
      for (const { jobId } of detaches)
        expect(await endOfJob(cloudOf(lab.file), jobId)).toEqual({ state: 'succeeded' });
      expect(Object.keys(tree(file.host_root))).toEqual(['vda']);
      expect(readdirSync(join(file.host_root, 'dev/disk/by-id'))).toEqual([]);
      expect(loopsBelow(dir)).toHaveLength(isRoot ? 1 : 0);
    }
  });

  test('in the middle of an exchange of names: each volume has one device again, over its own bytes', async () => {
    let lab = await start();
    await controlLab(lab.file, 'POST settings', { delay_ms: [0, 5] });
    const ids = [];
    for (const name of ['a', 'b', 'c']) ids.push((await attachedVolume(cloudOf(lab.file), lab.file, name)).id);
    await controlLab(lab.file, 'POST settings', { adversary: 'on', adversary_every_ms: [0, 0] });
    for (let round = 0; round < 4; round += 1) {
      for (let looks = round * 3; looks >= 0; looks -= 1) await controlLab(lab.file, 'GET state');
      await lab.kill();
      lab = await start();
      await controlLab(lab.file, 'POST settings', { adversary: 'off' });
      // Waits for an exchange that had begun again.
      await attachedVolume(cloudOf(lab.file), lab.file, { name: `round ${round}`, sizeGib: round + 2 });
      const shown = tree(lab.file.host_root);
      for (const id of ids) {
        const serial = id.replaceAll('-', '').slice(0, 20);
        const names = Object.keys(shown).filter((name) => shown[name]?.['serial']?.trim() === serial);
        expect(names).toHaveLength(1);
        const node = readlinkSync(join(lab.file.host_root, 'dev', names[0] ?? ''));
        const behind = isRoot ? loopsBelow(dir).find(({ name }) => `/dev/${name}` === node)?.backingFile : node;
        expect(behind).toBe(join(realpathSync(dir), 'volumes', `${id}.raw`));
      }
      expect(loopsBelow(dir)).toHaveLength(isRoot ? ids.length + 2 + round : 0);
      await controlLab(lab.file, 'POST settings', { adversary: 'on' });
    }
  });

  test('goes on stopping and destroying VMs wherever it was killed', async () => {
    let lab = await start();
    await controlLab(lab.file, 'POST settings', { delay_ms: [0, 40] });
    for (let round = 0; round < 4; round += 1) {
      const { vmId, rootId } = await stoppedVm(lab.file, `vm ${round}`);
      const jobs = [
        await cloudOf(lab.file).startVm(vmId, within()),
        await cloudOf(lab.file).stopVm(vmId, { forced: false, ...within() }),
        await cloudOf(lab.file).destroyVm(vmId, { expunge: true, ...within() }),
      ];
      for (let looks = round * 4; looks > 0; looks -= 1) await cloudOf(lab.file).job(jobs[0]?.jobId ?? '', within());
      await lab.kill();
      lab = await start();
      for (const { jobId } of jobs) expect(await endOfJob(cloudOf(lab.file), jobId)).toEqual({ state: 'succeeded' });
      expect(await cloudOf(lab.file).vm(vmId, within())).toBeNull();
      expect(await cloudOf(lab.file).volume(rootId, within())).toBeNull();
    }
  });

  test('a volume whose create was answered is there after any kill', async () => {
    const first = await start();
    // Nothing but the answers themselves may have brought the volumes to the disk.
    await controlLab(first.file, 'POST settings', { delay_ms: [60_000, 60_000] });
    const cloud = cloudOf(first.file);
    const request = { sizeGib: 1, diskOfferingId: first.file.disk_offering_id, zoneId: first.file.zone_id };
    const ids = await Promise.all(
      [...Array(20).keys()].map(
        async (index) => (await cloud.createVolume({ name: `v${index}`, ...request }, within())).volumeId,
      ),
    );
    await first.kill();
    const second = await start();
    for (const id of ids) expect(await cloudOf(second.file).volume(id, within())).not.toBeNull();
  });

  test.each([
    ['restart-cancels-jobs', true],
    ['restart-drops-volumes', false],
  ])('as a management server does: %s', async (fault, volumeLeft) => {
    const first = await start();
    await controlLab(first.file, 'POST settings', { delay_ms: [60_000, 60_000] });
    const request = { name: 'v', sizeGib: 1, diskOfferingId: first.file.disk_offering_id, zoneId: first.file.zone_id };
    const { jobId, volumeId } = await cloudOf(first.file).createVolume(request, within());
    await controlLab(first.file, 'POST faults', { fault });
    await first.kill();
    const second = await start();
    expect(await cloudOf(second.file).job(jobId, within())).toEqual({
      state: 'failed',
      code: 530,
      text: 'job cancelled because of management server restart or shutdown',
    });
    expect((await cloudOf(second.file).volume(volumeId, within())) !== null).toBe(volumeLeft);
  });

  test('its lock is free again, and its port may be another', async () => {
    const first = await start();
    await expect(startLabProcess(program, dir)).rejects.toThrow('DATA_DIR_IN_USE');
    await first.kill();
    const port = Number(new URL(first.file.url).port);
    const squatter = createServer().listen(port, '127.0.0.1');
    await eventually(() => squatter.listening, 'the port is taken');
    try {
      const second = await start();
      expect(second.file.url).not.toBe(first.file.url);
      expect((await cloudOf(second.file).volumesOfVm(second.file.oma_vm_id, within())).length).toBe(1);
    } finally {
      squatter.close();
    }
  });
});

describe('a lab that stops in good order', () => {
  test('is an appliance switched off: no device left; the next start is a new boot with the same volumes', async () => {
    const first = await start();
    const volume = await attachedVolume(cloudOf(first.file), first.file, 'stays');
    const before = bootId(first.file.host_root);
    await first.stop();
    expect(loopsBelow(dir)).toEqual([]);
    expect(tree(first.file.host_root)).toEqual({});
    const second = await start();
    expect(bootId(second.file.host_root)).not.toBe(before);
    expect(Object.keys(tree(second.file.host_root))).toHaveLength(2);
    expect(await cloudOf(second.file).volume(volume.id, within())).toMatchObject({ vmId: second.file.oma_vm_id });
  });
});

describe('a lab of the first format', () => {
  test('goes on with its volumes, its devices and its keys', async () => {
    const first = await start();
    const volume = await attachedVolume(cloudOf(first.file), first.file, 'from before');
    await first.stop();
    const path = join(dir, 'state.json');
    writeFileSync(path, JSON.stringify(inFirstFormat(JSON.parse(readFileSync(path, 'utf8')) as Written)));
    const second = await start();
    expect(second.file).toMatchObject({ api_key: first.file.api_key, oma_vm_id: first.file.oma_vm_id });
    const cloud = cloudOf(second.file);
    expect(await cloud.volume(volume.id, within())).toMatchObject({ name: 'from before', vmId: first.file.oma_vm_id });
    expect(await cloud.vm(first.file.oma_vm_id, within())).toMatchObject({ name: 'oma', state: 'Running' });
    expect(await endOfJob(cloud, (await cloud.detachVolume(volume.id, within())).jobId)).toEqual({
      state: 'succeeded',
    });
    const { vmId } = await stoppedVm(second.file, 'new');
    expect(await cloud.vm(vmId, within())).toMatchObject({ state: 'Stopped' });
  });

  test('a format that is not known is refused', async () => {
    await (await start()).stop();
    const path = join(dir, 'state.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"format":3', '"format":4'));
    await expect(startLabProcess(program, dir)).rejects.toThrow('SCHEMA_NEWER');
  });
});

type Written = Record<string, unknown> & {
  accounts: { id: string; userId: string; apiKey: string; secretKey: string }[];
  ids: Record<string, string>;
  vms: Record<string, unknown>[];
  volumes: Record<string, unknown>[];
  host: Record<string, unknown>;
};

/** What the first format had of today's. */
function inFirstFormat({ accounts, ids, vms, volumes, host, ...rest }: Written): Record<string, unknown> {
  const kept = (fields: readonly string[]) => (thing: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(thing).filter(([name]) => fields.includes(name)));
  const [admin] = accounts;
  const { osType: _osType, ...oldIds } = ids;
  const { orphans: _orphans, ...oldHost } = host;
  const { adversary: _adversary, snapshots: _snapshots, sentinels: _sentinels, ...old } = rest;
  return {
    ...old,
    format: 1,
    apiKey: admin?.apiKey,
    secretKey: admin?.secretKey,
    ids: { ...oldIds, account: admin?.id, user: admin?.userId },
    vms: vms.map(kept(['id', 'name', 'createdAtMs', 'state'])),
    volumes: volumes.map(
      kept(
        'id name type sizeBytes offeringId createdAtMs state vmId deviceId attachedAtMs removed deviceless tags'.split(
          ' ',
        ),
      ),
    ),
    host: oldHost,
  };
}

describe('an ordinary user', () => {
  test.skipIf(!isRoot)('has files for disks', async () => {
    chmodSync(dir, 0o777);
    const lab = await start({ uid: 65_534 });
    const volume = await attachedVolume(cloudOf(lab.file), lab.file, 'file');
    const names = Object.keys(tree(lab.file.host_root)).filter((name) => name !== 'vda');
    expect(names).toHaveLength(1);
    expect(loopsBelow(dir)).toEqual([]);
    expect(existsSync(join(dir, 'volumes', `${volume.id}.raw`))).toBe(true);
  });
});
