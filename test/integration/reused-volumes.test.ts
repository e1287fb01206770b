import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import type { Settings } from '../../shared/contract/settings.ts';
import { cloudOf, endOfJob, within } from '../fixtures/cloud-of-lab.ts';
import { type DaemonProcess, startDaemonProcess, testSignal, waitForMigration } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { history } from '../fixtures/steer.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';

const signal = testSignal();
const vm = 'PGWINTESTBIOS';

let dir: string;
let daemon: DaemonProcess;
let volumes: VolumeDaemon;
beforeEach(async () => {
  dir = newDataDir();
  const settings: Partial<Settings> = { headroom_gib: 0, reuse_volumes: true };
  daemon = await startDaemonProcess({ dataDir: dir, settings });
  volumes = volumeDaemon(daemon, dir);
});
afterEach(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

async function migrate(more: { readonly keep_attached?: boolean } = {}): Promise<Migration> {
  const { vms } = await daemon.client.call('listVms', {}, { signal });
  const id = vms.find(({ name }) => name === vm)?.vm_id ?? '';
  const job = await daemon.client.call('createMigration', { body: { vm_id: id, ...more } }, { signal });
  return await waitForMigration(daemon, job.id);
}

const volumesOf = (job: Migration): (string | null)[] => job.disks.map((disk) => disk.volume_id);
const asked = async (command: string): Promise<number> =>
  (await labBooks(dir)).jobs.filter((job) => job.command === command).length;
const notes = async (job: Migration): Promise<string[]> =>
  (await history(daemon)).flatMap((body) => (body.type === 'log.line' && body.job_id === job.id ? [body.message] : []));

function expectProved(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  for (const ends of readBothEnds(dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

describe(`${vm} twice in a row`, () => {
  test('left attached, its devices renamed in between: the known devices are verified, and used where they hold', async () => {
    const first = await migrate({ keep_attached: true });
    expectProved(first);
    expect(first.disks.map((disk) => disk.reused)).toEqual([false, false]);
    const known = await Promise.all(first.disks.map((disk) => volumes.device(disk.volume_id ?? '', { signal })));
    const second = await migrate({ keep_attached: true });
    expectProved(second);
    // Neither made nor attached a second time: the mapping was asked for, compared with the host, and used.
    expect(volumesOf(second)).toEqual(volumesOf(first));
    expect(second.disks.map((disk) => disk.reused)).toEqual([true, true]);
    expect(second.disks.map((disk) => disk.device_path)).toEqual(known.map((device) => device.device_path));
    expect([await asked('createVolume'), await asked('attachVolume')]).toEqual([2, 2]);
    expect(await notes(second)).toEqual([]);

    await labDoes(dir, 'restart-oma', {});
    const third = await migrate();
    expectProved(third);
    expect(volumesOf(third)).toEqual(volumesOf(first));
    const now = (await labBooks(dir)).host;
    expect(now.devices.filter(({ volumeId }) => volumeId !== null)).toEqual([]);
    // A stored path would have been wrong: no mapping held, so each volume was adopted where it is now.
    expect(await notes(third)).toEqual(Array(2).fill('Failed to get device mapping from daemon'));
    expect([await asked('createVolume'), await asked('attachVolume'), await asked('detachVolume')]).toEqual([2, 2, 2]);
  });

  test('detached in between: attached anew through the daemon', async () => {
    const first = await migrate();
    const second = await migrate();
    expectProved(second);
    expect(volumesOf(second)).toEqual(volumesOf(first));
    expect(await notes(second)).toEqual(Array(2).fill('Failed to get device mapping from daemon'));
    expect([await asked('createVolume'), await asked('attachVolume')]).toEqual([2, 4]);
    // What the disk held before is no blank: everything was sent, holes included.
    for (const disk of second.disks) expect(disk.bytes_copied).toBeGreaterThanOrEqual(disk.capacity_bytes);
  });
});

describe('a volume is not used again', () => {
  test('when it is gone from CloudStack: a new one is made, and the log says why', async () => {
    const first = await migrate();
    const [gone] = volumesOf(first);
    await labDoes(dir, `volumes/${gone ?? ''}/vanish`, {});
    const second = await migrate();
    expectProved(second);
    expect(second.disks.map((disk) => disk.reused)).toEqual([false, true]);
    expect(await notes(second)).toContain('Volume not reused');
  });

  test('when somebody attached it to another VM: it is left there', async () => {
    const first = await migrate();
    const [taken] = volumesOf(first);
    const other = (await labBooks(dir)).vms.find(({ name }) => name === 'intranet')?.id ?? '';
    const cloud = cloudOf(volumes.site);
    await endOfJob(cloud, (await cloud.attachVolume(taken ?? '', other, within())).jobId);
    const second = await migrate();
    expectProved(second);
    expect(volumesOf(second)).not.toContain(taken);
    expect((await cloud.volume(taken ?? '', within()))?.vmId).toBe(other);
  });

  test('when the settings say so', async () => {
    const first = await migrate();
    await daemon.client.call('changeSettings', { body: { reuse_volumes: false } }, { signal });
    const second = await migrate();
    expectProved(second);
    for (const id of volumesOf(first)) expect(volumesOf(second)).not.toContain(id);
  });
});
