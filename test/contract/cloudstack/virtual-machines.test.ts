import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
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
  offersOf,
  readLabFile,
  stoppedVm,
  within,
} from '../../fixtures/cloud-of-lab.ts';

let dir: string;
let lab: Lab;
let file: LabFile;
let cloud: Cloud;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  lab = await startLab({ dir, port: 0, log: () => undefined, devices: 'file' });
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

const succeeded = { state: 'succeeded' };
const ended = async (started: Promise<{ jobId: string }>): Promise<unknown> => endOfJob(cloud, (await started).jobId);

/** A volume that was on the appliance, as a migrated one was: it has its place on the storage. */
async function migratedVolume(name: string): Promise<string> {
  const { id } = await attachedVolume(cloud, file, name);
  expect(await ended(cloud.detachVolume(id, within()))).toEqual(succeeded);
  return id;
}

describe('the life of a VM', () => {
  test('deployed off it has an Allocated root; the first start gives it storage; it stops and starts', async () => {
    const { vmId, rootId } = await stoppedVm(file, 'life', {
      displayname: 'Zürich – Büro',
      boottype: 'uefi',
      bootmode: 'secure',
      'details[0].rootDiskController': 'virtio',
      rootdisksize: '3',
    });
    expect(await cloud.vm(vmId, within())).toMatchObject({ name: 'life', state: 'Stopped', zoneId: file.zone_id });
    expect(await cloud.volume(rootId, within())).toMatchObject({
      state: 'Allocated',
      type: 'ROOT',
      sizeBytes: 3 * 2 ** 30,
    });
    expect(await answerOf(file, { command: 'listVirtualMachines', id: vmId })).toMatchObject({
      virtualmachine: [
        {
          displayname: 'Zürich – Büro',
          boottype: 'UEFI',
          bootmode: 'secure',
          details: { rootDiskController: 'virtio' },
        },
      ],
    });
    expect(await ended(cloud.startVm(vmId, within()))).toEqual(succeeded);
    expect(await cloud.vm(vmId, within())).toMatchObject({ state: 'Running' });
    expect(await cloud.volume(rootId, within())).toMatchObject({ state: 'Ready' });
    expect(await ended(cloud.stopVm(vmId, { forced: true, ...within() }))).toEqual(succeeded);
    expect(await cloud.vm(vmId, within())).toMatchObject({ state: 'Stopped' });
    expect(await ended(cloud.destroyVm(vmId, { expunge: true, ...within() }))).toEqual(succeeded);
    expect(await cloud.vm(vmId, within())).toBeNull();
    expect(await cloud.volume(rootId, within())).toBeNull();
  });

  test('Starting and Stopping are seen while the jobs run', async () => {
    const { vmId } = await stoppedVm(file, 'in between');
    await controlLab(file, 'POST settings', { delay_ms: [300, 300] });
    try {
      const start = await cloud.startVm(vmId, within());
      await expect.poll(async () => (await cloud.vm(vmId, within()))?.state, { interval: 10 }).toBe('Starting');
      expect(await endOfJob(cloud, start.jobId)).toEqual(succeeded);
      const stop = await cloud.stopVm(vmId, { forced: false, ...within() });
      await expect.poll(async () => (await cloud.vm(vmId, within()))?.state, { interval: 10 }).toBe('Stopping');
      expect(await endOfJob(cloud, stop.jobId)).toEqual(succeeded);
    } finally {
      await controlLab(file, 'POST settings', { delay_ms: [0, 10] });
    }
  });

  test('a VM whose creation fails is in Error and can only be destroyed; a failed start returns to Stopped', async () => {
    const { template, offering } = await offersOf(file);
    await controlLab(file, 'POST faults', { fault: 'job-fails-530', match: { command: 'deployVirtualMachine' } });
    const parameters = { zoneid: file.zone_id, serviceofferingid: offering, templateid: template };
    const failed = await callToEnd(file, { command: 'deployVirtualMachine', name: 'broken', ...parameters });
    expect(failed).toMatchObject({ jobstatus: 2, jobinstancetype: 'VirtualMachine' });
    const id = failed['jobinstanceid'] as string;
    expect(await cloud.vm(id, within())).toMatchObject({ state: 'Error' });
    expect(await ended(cloud.destroyVm(id, { expunge: true, ...within() }))).toEqual(succeeded);

    const { vmId } = await stoppedVm(file, 'fails once');
    await controlLab(file, 'POST faults', { fault: 'job-fails-530', match: { vm_id: vmId } });
    expect(await ended(cloud.startVm(vmId, within()))).toMatchObject({ state: 'failed', code: 530 });
    expect(await cloud.vm(vmId, within())).toMatchObject({ state: 'Stopped' });
  });

  test.each([
    [{}, 'Please provide only one of the following parameters - template ID, volume ID or snapshot ID'],
    [{ templateid: 'T', volumeid: 'V' }, 'Please provide only one of the following parameters'],
    [{ volumeid: 'V' }, "The provided volume/snapshot doesn't have a template to deploy a VM"],
  ])('no VM is made of %j', async (sources: Record<string, string>, text) => {
    const { template, offering } = await offersOf(file);
    const { id } = await newVolume(cloud, file, `source ${Object.keys(sources).join()}`);
    const real: Record<string, string> = { T: template, V: id };
    const sent = Object.fromEntries(Object.entries(sources).map(([name, value]) => [name, real[value] ?? value]));
    const parameters = { command: 'deployVirtualMachine', zoneid: file.zone_id, serviceofferingid: offering };
    expect((await answerOf(file, { ...parameters, ...sent }))['errortext']).toContain(text);
  });

  test('jobs with one VM run in their order, also when the later one would be faster', async () => {
    const first = await newVolume(cloud, file, 'first in line');
    const second = await newVolume(cloud, file, 'second in line');
    await controlLab(file, 'POST faults', { fault: 'slow-job', value: 300, match: { volume_id: first.id } });
    const jobs = [first, second].map((volume) => cloud.attachVolume(volume.id, file.oma_vm_id, within()));
    const [slow, quick] = await Promise.all(jobs);
    expect(await endOfJob(cloud, quick?.jobId ?? '')).toEqual(succeeded);
    expect(await cloud.job(slow?.jobId ?? '', within())).toEqual(succeeded);
    const [one, two] = [await cloud.volume(first.id, within()), await cloud.volume(second.id, within())];
    expect((one?.deviceId ?? 0) < (two?.deviceId ?? 0)).toBe(true);
  });
});

describe('the root swap', () => {
  test('the root of a VM that is off becomes a data disk, and a data disk becomes the root', async () => {
    const { vmId, rootId } = await stoppedVm(file, 'swapped');
    expect(await ended(cloud.detachVolume(rootId, within()))).toEqual(succeeded);
    expect(await cloud.volume(rootId, within())).toMatchObject({ type: 'DATADISK', vmId: null });
    await cloud.deleteVolume(rootId, within());
    const osVolume = await migratedVolume('os');
    const dataVolume = await migratedVolume('data');
    expect(await ended(cloud.attachVolume(osVolume, vmId, { deviceId: 0, ...within() }))).toEqual(succeeded);
    expect(await ended(cloud.attachVolume(dataVolume, vmId, within()))).toEqual(succeeded);
    expect(await cloud.volume(osVolume, within())).toMatchObject({ type: 'ROOT', deviceId: 0, state: 'Ready' });
    expect(await cloud.volume(dataVolume, within())).toMatchObject({ type: 'DATADISK', deviceId: 1 });
    expect(await ended(cloud.startVm(vmId, within()))).toEqual(succeeded);

    // Running, it keeps its root.
    expect(await ended(cloud.detachVolume(osVolume, within()))).toMatchObject({
      code: 431,
      text: 'Root volume detach can happen only when vm is in states: Stopped or Destroyed',
    });
    await ended(cloud.stopVm(vmId, { forced: false, ...within() }));
    const third = await migratedVolume('third');
    expect(await ended(cloud.attachVolume(third, vmId, { deviceId: 0, ...within() }))).toMatchObject({
      code: 431,
      text: 'Vm already has root volume attached to it',
    });
    // Destroying the VM takes what was swapped in; the data disk is only detached.
    expect(await ended(cloud.destroyVm(vmId, { expunge: true, ...within() }))).toEqual(succeeded);
    expect(await cloud.volume(osVolume, within())).toBeNull();
    expect(existsSync(join(dir, 'volumes', `${osVolume}.raw`))).toBe(false);
    expect(await cloud.volume(dataVolume, within())).toMatchObject({ vmId: null, state: 'Ready', type: 'DATADISK' });
  });

  test('forgetting device 0 makes a VM that cannot start (ACS 8634); doing it right mends it', async () => {
    const { vmId, rootId } = await stoppedVm(file, 'forgot');
    // Attached beside the old root, which is then taken away.
    const osVolume = await migratedVolume('forgotten os');
    expect(await ended(cloud.attachVolume(osVolume, vmId, within()))).toEqual(succeeded);
    expect(await ended(cloud.detachVolume(rootId, within()))).toEqual(succeeded);
    expect(await cloud.volume(osVolume, within())).toMatchObject({ type: 'DATADISK', deviceId: 1 });
    expect(await ended(cloud.startVm(vmId, within()))).toMatchObject({
      state: 'failed',
      code: 530,
      text: expect.stringContaining('no usable volumes found for the VM') as string,
    });
    expect(await cloud.vm(vmId, within())).toMatchObject({ state: 'Stopped' });
    await ended(cloud.detachVolume(osVolume, within()));
    expect(await ended(cloud.attachVolume(osVolume, vmId, { deviceId: 0, ...within() }))).toEqual(succeeded);
    expect(await ended(cloud.startVm(vmId, within()))).toEqual(succeeded);
  });

  test('without expunge the destroyed VM and its root can still be seen, and it cannot start', async () => {
    const { vmId, rootId } = await stoppedVm(file, 'half gone');
    expect(await ended(cloud.destroyVm(vmId, { expunge: false, ...within() }))).toEqual(succeeded);
    expect(await cloud.vm(vmId, within())).toMatchObject({ state: 'Destroyed' });
    expect(await cloud.volume(rootId, within())).toMatchObject({ state: 'Destroy', vmId });
    expect(await ended(cloud.startVm(vmId, within()))).toMatchObject({ state: 'failed' });
  });

  test('data disks named in volumeids go with the VM', async () => {
    const { vmId } = await stoppedVm(file, 'takes a disk');
    const [kept, doomed] = [await migratedVolume('kept'), await migratedVolume('doomed')];
    for (const id of [kept, doomed]) expect(await ended(cloud.attachVolume(id, vmId, within()))).toEqual(succeeded);
    await callToEnd(file, { command: 'destroyVirtualMachine', id: vmId, expunge: 'true', volumeids: doomed });
    expect(await cloud.volume(doomed, within())).toBeNull();
    expect(await cloud.volume(kept, within())).toMatchObject({ vmId: null });
  });
});

describe('attaching to a VM that is off', () => {
  test('that never started: the volume stays Allocated until the start', async () => {
    const { vmId } = await stoppedVm(file, 'never started');
    const { id } = await newVolume(cloud, file, 'waits for the start');
    expect(await ended(cloud.attachVolume(id, vmId, within()))).toEqual(succeeded);
    expect(await cloud.volume(id, within())).toMatchObject({ state: 'Allocated', vmId });
    expect(await ended(cloud.startVm(vmId, within()))).toEqual(succeeded);
    expect(await cloud.volume(id, within())).toMatchObject({ state: 'Ready', vmId });
  });

  test('that has no disk: an Allocated volume fails (ACS 10120)', async () => {
    const { vmId, rootId } = await stoppedVm(file, 'diskless');
    await ended(cloud.detachVolume(rootId, within()));
    const { id } = await newVolume(cloud, file, 'never written');
    expect(await ended(cloud.attachVolume(id, vmId, { deviceId: 0, ...within() }))).toMatchObject({ code: 530 });
    expect(await cloud.volume(id, within())).toMatchObject({ state: 'Allocated', vmId: null });
  });
});

describe('the appliance as a VM of the cloud', () => {
  const names = (): string[] => readdirSync(join(file.host_root, 'sys/block')).sort();

  test('stopped it has no device; started it is a new boot with the same volumes', async () => {
    const { id } = await attachedVolume(cloud, file, 'survives the stop');
    const before = names().length;
    expect(await ended(cloud.stopVm(file.oma_vm_id, { forced: false, ...within() }))).toEqual(succeeded);
    expect(names()).toEqual([]);
    const late = await newVolume(cloud, file, 'attached while off');
    expect(await ended(cloud.attachVolume(late.id, file.oma_vm_id, within()))).toEqual(succeeded);
    expect(names()).toEqual([]);
    expect(await ended(cloud.startVm(file.oma_vm_id, within()))).toEqual(succeeded);
    expect(names()).toHaveLength(before + 1);
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: file.oma_vm_id });
  });

  test('its guest switches itself off: Stopped without a call', async () => {
    await controlLab(file, `POST vms/${file.oma_vm_id}/power-off`);
    expect(await cloud.vm(file.oma_vm_id, within())).toMatchObject({ state: 'Stopped' });
    expect(names()).toEqual([]);
    expect(await ended(cloud.startVm(file.oma_vm_id, within()))).toEqual(succeeded);
    expect(names().length).toBeGreaterThan(1);
  });
});
