import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { faultTable } from '../../../main/lab/faults.ts';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import type { Cloud, CloudJob } from '../../../main/ports/cloud.ts';
import {
  answerOf,
  attachedVolume,
  callRaw,
  cloudOf,
  controlLab,
  endOfJob,
  newVolume,
  readLabFile,
  stoppedVm,
  within,
} from '../../fixtures/cloud-of-lab.ts';
import { eventually } from '../../fixtures/real-clock.ts';

let dir: string;
let lab: Lab;
let file: LabFile;
let cloud: Cloud;

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  lab = await startLab({ dir, port: 0, log: () => undefined, devices: 'file' });
  file = readLabFile(dir);
  cloud = cloudOf(file);
  await controlLab(file, 'POST settings', { delay_ms: [0, 10] });
});
afterEach(async () => {
  await lab.close();
  rmSync(dir, { recursive: true, force: true });
});

const arm = (fault: string, more: object = {}): Promise<unknown> => controlLab(file, 'POST faults', { fault, ...more });
const ended = async (started: Promise<{ jobId: string }>): Promise<CloudJob> => endOfJob(cloud, (await started).jobId);
const serialOf = (volumeId: string): string => volumeId.replaceAll('-', '').slice(0, 20);
/** The serials that the guest shows. */
const serials = (): string[] =>
  readdirSync(join(file.host_root, 'sys/block')).map((name) =>
    readFileSync(join(file.host_root, 'sys/block', name, 'serial'), 'utf8').trim(),
  );

test('every fault of the lab is shown by a test', () => {
  const folder = join(import.meta.dirname, '..');
  const stories = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join(folder, name))
    .map((path) => readFileSync(path, 'utf8'))
    .join('\n');
  const shown = (fault: string): boolean =>
    stories.includes(`'${fault}'`) ||
    (stories.includes('`${what}-reply-lost`') && /^(create|attach|detach)-reply-lost$/.test(fault));
  expect(Object.keys(faultTable).filter((fault) => !shown(fault))).toEqual([]);
});

describe('replies', () => {
  test('an empty list although there is something', async () => {
    const { id } = await attachedVolume(cloud, file, 'there');
    await arm('empty-list');
    expect((await callRaw(file, { command: 'listVolumes', id })).body).toEqual({ listvolumesresponse: {} });
    expect(await cloud.volume(id, within())).not.toBeNull();
  });

  test('a clock that differs: refused once, then the client goes by the time of the server', async () => {
    await arm('clock-skew');
    expect(await cloud.volumesNamed('none', within())).toEqual([]);
    await arm('clock-skew', { value: 0 });
    // Without a difference there is nothing to correct: the key is wrong.
    await expect(cloudOf(file).volumesNamed('none', within())).rejects.toMatchObject({ code: 'CLOUD_AUTH' });
  });

  test('the mode of 4.21: writes only by POST, with a time limit of at most fifteen minutes', async () => {
    await controlLab(file, 'POST settings', { enforce_post_and_timestamps: true });
    const create = { command: 'createVolume', zoneid: file.zone_id, diskofferingid: file.disk_offering_id, size: '1' };
    expect((await callRaw(file, create)).status).toBe(401);
    expect((await callRaw(file, { command: 'listVolumes' })).status).toBe(200);
    expect(await newVolume(cloud, file, 'by post')).toMatchObject({ state: 'Allocated' });
  });

  test.each(['createSnapshot', 'startVirtualMachine', 'destroyVirtualMachine'])(
    'the reply to %s is lost, the work is done',
    async (command) => {
      const { vmId } = await stoppedVm(file, 'lost');
      const { id } = await attachedVolume(cloud, file, 'lost');
      await arm('reply-lost', { match: { command } });
      const calls: Record<string, () => Promise<unknown>> = {
        createSnapshot: () => cloud.createSnapshot(id, { name: 'found by name', ...within() }),
        startVirtualMachine: () => cloud.startVm(vmId, within()),
        destroyVirtualMachine: () => cloud.destroyVm(vmId, { expunge: true, ...within() }),
      };
      await expect(calls[command]?.()).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
      await eventually(async () => {
        const [vm, snapshots] = [await cloud.vm(vmId, within()), await cloud.snapshotsOf(id, within())];
        if (command === 'createSnapshot') return snapshots[0]?.state === 'BackedUp';
        return command === 'startVirtualMachine' ? vm?.state === 'Running' : vm === null;
      }, `${command} did its work`);
    },
  );

  test('the reply to deleteVolume is lost, the volume is gone', async () => {
    const { id } = await newVolume(cloud, file, 'gone');
    await arm('delete-reply-lost');
    await expect(cloud.deleteVolume(id, within())).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
    expect(await cloud.volume(id, within())).toBeNull();
  });
});

describe('an attach', () => {
  test('that stays Creating for long', async () => {
    const { id } = await newVolume(cloud, file, 'slow');
    await arm('slow-creating', { value: 300 });
    const { jobId } = await cloud.attachVolume(id, file.oma_vm_id, within());
    await expect.poll(async () => (await cloud.volume(id, within()))?.state, { interval: 10 }).toBe('Creating');
    expect(await endOfJob(cloud, jobId)).toEqual({ state: 'succeeded' });
  });

  test('whose create was slow', async () => {
    await arm('slow-create', { value: 200 });
    expect(await newVolume(cloud, file, 'took its time')).toMatchObject({ state: 'Allocated' });
  });

  test('that moves the volume to another pool first', async () => {
    const { id } = await attachedVolume(cloud, file, 'moves');
    await ended(cloud.detachVolume(id, within()));
    const poolOf = async (): Promise<unknown> =>
      ((await answerOf(file, { command: 'listVolumes', id }))['volume'] as Record<string, unknown>[])[0]?.['storage'];
    const before = await poolOf();
    await arm('attach-moves-pool', { value: 300 });
    const { jobId } = await cloud.attachVolume(id, file.oma_vm_id, within());
    await expect.poll(async () => (await cloud.volume(id, within()))?.state, { interval: 10 }).toBe('Migrating');
    expect(await endOfJob(cloud, jobId)).toEqual({ state: 'succeeded' });
    expect(await poolOf()).not.toBe(before);
  });

  test('that races with another one: one wins, the other reads Attaching', async () => {
    const other = (await controlLab<{ ids: { otherVm: string } }>(file, 'GET state')).ids.otherVm;
    const { id } = await attachedVolume(cloud, file, 'wanted twice');
    await ended(cloud.detachVolume(id, within()));
    await controlLab(file, 'POST settings', { delay_ms: [200, 200] });
    const jobs = await Promise.all([file.oma_vm_id, other].map((vmId) => cloud.attachVolume(id, vmId, within())));
    const ends = await Promise.all(jobs.map(({ jobId }) => endOfJob(cloud, jobId)));
    expect(ends.filter((end) => end.state === 'succeeded')).toHaveLength(1);
    expect(ends.find((end) => end.state === 'failed')).toMatchObject({
      code: 530,
      text: 'Volume: wanted twice is in Attaching. It should be in Ready or Allocated state',
    });
  });

  test('that loses such a race to somebody else: the volume is on another VM', async () => {
    const { id } = await newVolume(cloud, file, 'lost race');
    await arm('attach-race-lost');
    expect(await ended(cloud.attachVolume(id, file.oma_vm_id, within()))).toMatchObject({
      code: 530,
      text: expect.stringContaining('is in Attaching') as string,
    });
    const volume = await cloud.volume(id, within());
    expect(volume?.vmId).not.toBeNull();
    expect(volume?.vmId).not.toBe(file.oma_vm_id);
  });

  test('whose target is taken in the domain (ACS 6374)', async () => {
    const { id } = await newVolume(cloud, file, 'conflict');
    await arm('target-exists');
    expect(await ended(cloud.attachVolume(id, file.oma_vm_id, within()))).toEqual({
      state: 'failed',
      code: 530,
      text: 'Failed to attach volume conflict to VM oma; org.libvirt.LibvirtException: operation failed: target vdb already exists',
    });
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: null, state: 'Allocated' });
    expect(await ended(cloud.attachVolume(id, file.oma_vm_id, within()))).toEqual({ state: 'succeeded' });
  });

  test('that a detach of earlier undoes (ACS 14214): the guest keeps the disk, and its place stays taken', async () => {
    const { id } = await newVolume(cloud, file, 'straggler');
    await arm('stale-detach');
    expect(await ended(cloud.attachVolume(id, file.oma_vm_id, within()))).toEqual({ state: 'succeeded' });
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: null, deviceId: null, state: 'Ready' });
    expect(serials()).toContain(serialOf(id));
    const other = await newVolume(cloud, file, 'innocent');
    for (const volumeId of [id, other.id]) {
      expect(await ended(cloud.attachVolume(volumeId, file.oma_vm_id, within()))).toMatchObject({
        code: 530,
        text: expect.stringContaining('target vdb already exists') as string,
      });
    }
    expect(await ended(cloud.detachVolume(id, within()))).toMatchObject({
      text: 'The specified volume is not attached to a VM.',
    });
    await controlLab(file, `POST volumes/${id}/virsh-detach`);
    expect(serials()).not.toContain(serialOf(id));
    expect(await ended(cloud.attachVolume(id, file.oma_vm_id, within()))).toEqual({ state: 'succeeded' });
  });
});

describe('a detach', () => {
  test('whose wait ends before the guest lets go (ACS 6508): later it has, and a repeat succeeds', async () => {
    const { id } = await attachedVolume(cloud, file, 'clings');
    await arm('detach-times-out', { value: 300 });
    expect(await ended(cloud.detachVolume(id, within()))).toMatchObject({
      code: 530,
      text: expect.stringContaining(
        'Could not detach volume after sending the command and waiting for [10000] milliseconds.',
      ) as string,
    });
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: file.oma_vm_id });
    expect(serials()).toContain(serialOf(id));
    expect(await ended(cloud.detachVolume(id, within()))).toMatchObject({
      code: 530,
      text: 'Device virtio-disk1 is already in the process of unplug',
    });
    await eventually(() => !serials().includes(serialOf(id)), 'the guest lets the disk go');
    expect(await ended(cloud.detachVolume(id, within()))).toEqual({ state: 'succeeded' });
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: null });
  });
});

describe('a VM', () => {
  test('that switches itself off right after its start', async () => {
    const { vmId } = await stoppedVm(file, 'short life');
    await arm('vm-stops', { match: { vm_id: vmId } });
    expect(await ended(cloud.startVm(vmId, within()))).toEqual({ state: 'succeeded' });
    await expect.poll(async () => (await cloud.vm(vmId, within()))?.state).toBe('Stopped');
  });

  test('that is the appliance, after an attach: no device is left', async () => {
    const { id } = await newVolume(cloud, file, 'left alone');
    await arm('vm-stops', { match: { command: 'attachVolume' } });
    expect(await ended(cloud.attachVolume(id, file.oma_vm_id, within()))).toEqual({ state: 'succeeded' });
    await expect.poll(async () => (await cloud.vm(file.oma_vm_id, within()))?.state).toBe('Stopped');
    expect(serials()).toEqual([]);
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: file.oma_vm_id });
  });
});
