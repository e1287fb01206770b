import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import {
  answerOf,
  asAccount,
  attachedVolume,
  callRaw,
  cloudOf,
  controlLab,
  endOfJob,
  newVolume,
  readLabFile,
  within,
} from '../../fixtures/cloud-of-lab.ts';

let dir: string;
let lab: Lab;
let admin: LabFile;
let user: LabFile;
let stranger: LabFile;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  lab = await startLab({ dir, port: 0, log: () => undefined, devices: 'file' });
  admin = readLabFile(dir);
  user = await asAccount(admin, 'migration');
  stranger = await asAccount(admin, 'stranger');
  await controlLab(admin, 'POST settings', { delay_ms: [0, 10] });
  await controlLab(admin, `POST vms/${admin.oma_vm_id}/assign`, { account: 'migration' });
});
afterAll(async () => {
  await lab.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await controlLab(admin, 'DELETE faults');
});

describe('a key of the role User', () => {
  test('that owns the appliance can do all that a migration needs', async () => {
    const cloud = cloudOf(user);
    const { id } = await attachedVolume(cloud, user, 'by a user');
    const tagging = await cloud.tag(id, { owner: 'console one', 'a b': "c'd" }, within());
    expect(await endOfJob(cloud, tagging.jobId)).toEqual({ state: 'succeeded' });
    expect(await cloud.volume(id, within())).toMatchObject({
      vmId: user.oma_vm_id,
      tags: { owner: 'console one', 'a b': "c'd" },
    });
    const again = await cloud.tag(id, { owner: 'console two' }, within());
    await endOfJob(cloud, again.jobId);
    expect((await cloud.volume(id, within()))?.tags).toEqual({ owner: 'console two', 'a b': "c'd" });
    expect(await cloud.vm(user.oma_vm_id, within())).toMatchObject({ name: 'oma', state: 'Running' });
    expect(await cloud.zones(within())).toEqual([{ id: user.zone_id, name: 'lab-zone' }]);
    expect(await cloud.diskOfferings(within())).toEqual([
      { id: user.disk_offering_id, name: 'Custom', sizeGib: null },
      { id: expect.any(String) as string, name: 'Small', sizeGib: 5 },
    ]);
  });

  test('sees no hypervisor, storage or path; the admin does', async () => {
    const { id } = await attachedVolume(cloudOf(user), user, 'seen from two sides');
    const ask = async (as: LabFile): Promise<Record<string, unknown>> =>
      ((await answerOf(as, { command: 'listVolumes', id }))['volume'] as Record<string, unknown>[])[0] ?? {};
    const inner = ['hypervisor', 'storage', 'storageid', 'storagetype', 'path'];
    const shown = await ask(user);
    expect(shown).toMatchObject({ id, account: 'migration', state: 'Ready' });
    expect(inner.filter((field) => field in shown)).toEqual([]);
    expect(Object.keys(await ask(admin))).toEqual(expect.arrayContaining(inner));
  });

  test('reads no reason of a 530, in a job or at once', async () => {
    const generic = 'Internal error executing command, please contact your system administrator';
    const cloud = cloudOf(user);
    const { id } = await newVolume(cloud, user, 'no reason');
    await controlLab(admin, 'POST faults', { fault: 'job-fails-530' });
    const failed = await endOfJob(cloud, (await cloud.attachVolume(id, user.oma_vm_id, within())).jobId);
    expect(failed).toEqual({ state: 'failed', code: 530, text: generic });
    const parameters = { command: 'deployVirtualMachine', zoneid: user.zone_id, serviceofferingid: 'x' };
    const offering = (await answerOf(user, { command: 'listServiceOfferings' }))['serviceoffering'] as { id: string }[];
    const refused = await answerOf(user, { ...parameters, serviceofferingid: offering[0]?.id ?? '' });
    expect(refused).toMatchObject({ errorcode: 530, errortext: generic });
    // What the caller did wrong is said to everybody.
    await controlLab(admin, 'POST faults', { fault: 'job-fails-431' });
    const told = await endOfJob(cloud, (await cloud.attachVolume(id, user.oma_vm_id, within())).jobId);
    expect(told).toMatchObject({ code: 431, text: 'Please specify another volume.' });
  });

  test('learns the limits that it may see', async () => {
    await controlLab(admin, 'POST settings', { max_volumes: 40 });
    const before = await cloudOf(user).limits(within());
    expect(before).toMatchObject({ largestVolumeGib: 1024 });
    await newVolume(cloudOf(user), user, 'one less');
    expect(await cloudOf(user).limits(within())).toEqual({ ...before, volumesLeft: (before.volumesLeft ?? 0) - 1 });
    await controlLab(admin, 'POST settings', { max_volumes: 40 - (before.volumesLeft ?? 0) + 1 });
    expect((await cloudOf(user).limits(within())).volumesLeft).toBe(0);
    await expect(newVolume(cloudOf(user), user, 'too many')).rejects.toMatchObject({
      code: 'CLOUD_LIMIT',
      reason: expect.stringContaining('Account Name = migration') as string,
    });
    await controlLab(admin, 'POST settings', { max_volumes: 500 });
  });

  test('does not get the calls of the admin', async () => {
    expect((await callRaw(user, { command: 'listConfigurations' })).status).toBe(401);
    expect(await answerOf(admin, { command: 'listConfigurations', name: 'max.account.volumes' })).toMatchObject({
      configuration: [{ value: '500' }],
    });
  });
});

describe('a key of another account (incident 28)', () => {
  test('neither sees nor attaches nor deletes what is not its own', async () => {
    const cloud = cloudOf(stranger);
    const { id } = await attachedVolume(cloudOf(user), user, 'not yours');
    expect(await cloud.volume(id, within())).toBeNull();
    expect(await cloud.volumesNamed('not yours', within())).toEqual([]);
    expect(await cloud.vm(stranger.oma_vm_id, within())).toBeNull();
    const denied = { code: 'CLOUD_REFUSED', details: { error_code: 531 } };
    await expect(cloud.detachVolume(id, within())).rejects.toMatchObject(denied);
    await expect(cloud.deleteVolume(id, within())).rejects.toMatchObject(denied);
    await expect(cloud.createSnapshot(id, { name: 'x', ...within() })).rejects.toMatchObject(denied);
    const own = await newVolume(cloud, stranger, 'mine');
    await expect(cloud.attachVolume(own.id, stranger.oma_vm_id, within())).rejects.toMatchObject(denied);
    expect(await cloudOf(user).volume(id, within())).toMatchObject({ vmId: user.oma_vm_id });
  });

  test("even the admin cannot attach one account's volume to another's VM", async () => {
    const cloud = cloudOf(admin);
    const { id } = await newVolume(cloud, admin, 'of the admin');
    const job = await endOfJob(cloud, (await cloud.attachVolume(id, admin.oma_vm_id, within())).jobId);
    expect(job).toMatchObject({ code: 531, text: expect.stringContaining('belong to different accounts') as string });
    const command = {
      command: 'createVolume',
      zoneid: admin.zone_id,
      diskofferingid: admin.disk_offering_id,
      size: '1',
    };
    const made = await answerOf(admin, { ...command, account: 'migration', name: 'for the user' });
    const attach = await cloud.attachVolume(made['id'] as string, admin.oma_vm_id, within());
    expect(await endOfJob(cloud, attach.jobId)).toEqual({ state: 'succeeded' });
  });
});

describe('what an admin sees', () => {
  test('without listall only his own', async () => {
    await newVolume(cloudOf(user), user, "the user's");
    const own = await answerOf(admin, { command: 'listVolumes', name: "the user's" });
    const all = await answerOf(admin, { command: 'listVolumes', name: "the user's", listall: 'true' });
    expect([own['count'], all['count']]).toEqual([undefined, 1]);
  });

  test('listApis describes every call', async () => {
    const listed = await answerOf(admin, { command: 'listApis', name: 'attachVolume' });
    expect(listed['api']).toEqual([
      expect.objectContaining({
        name: 'attachVolume',
        isasync: true,
        params: [
          { name: 'id', type: 'uuid', required: true },
          { name: 'virtualmachineid', type: 'uuid', required: true },
          { name: 'deviceid', type: 'integer', required: false },
        ],
      }),
    ]);
  });
});
