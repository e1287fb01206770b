import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cloudOf, endOfJob, stoppedVm, within } from '../fixtures/cloud-of-lab.ts';
import { type DaemonProcess, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { detachedVolume, vmWithoutDisk } from '../fixtures/test-vm.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';

const signal = testSignal();
let dir: string;
let daemon: DaemonProcess;
let volumes: VolumeDaemon;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir });
  volumes = volumeDaemon(daemon, dir);
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const emptyVm = (name: string, more?: { readonly ours: boolean }): Promise<string> =>
  vmWithoutDisk(daemon, volumes, { name, ...more });
const usedVolume = (): Promise<string> => detachedVolume(volumes);

describe('attach as the root disk', () => {
  test('the VM starts from it; from then on no migration may overwrite it', async () => {
    const [vmId, id] = [await emptyVm('test-of-web'), await usedVolume()];
    const rooted = await volumes.done(volumes.attachRootVolume(id, vmId, { signal }));
    expect(rooted.response).toMatchObject({ device_path: null, message: 'Volume attached successfully' });
    const [listed] = await volumes.volumesOfVm(vmId, { signal });
    expect(listed).toMatchObject({ volume_id: id, type: 'ROOT', device_id: 0, record: { role: 'test' } });
    const cloud = cloudOf(volumes.site);
    expect(await endOfJob(cloud, (await cloud.startVm(vmId, within())).jobId)).toEqual({ state: 'succeeded' });
  });

  test.each<[string, () => Promise<string>, object]>([
    ['a VM that runs', async () => await running(), { code: 'VM_STATE' }],
    ['a VM that has a root disk', async () => (await stoppedVm(volumes.site, 'full')).vmId, { code: 'VM_STATE' }],
    ['a VM that is not there', () => Promise.resolve('01a20c8a-127c-70cf-87c5-d779238abe44'), { code: 'NOT_FOUND' }],
  ])('%s is refused before anything is asked', async (_what, vm, refusal) => {
    const id = await usedVolume();
    await expect(volumes.done(volumes.attachRootVolume(id, await vm(), { signal }))).rejects.toMatchObject(refusal);
    expect(await volumes.volume(id, { signal })).toMatchObject({ role: 'replica', cloud: { vm_id: null } });
  });

  const running = async (): Promise<string> => {
    const cloud = cloudOf(volumes.site);
    const { vmId } = await stoppedVm(volumes.site, 'running');
    await endOfJob(cloud, (await cloud.startVm(vmId, within())).jobId);
    return vmId;
  };

  test('a volume on the appliance is in use, and the appliance itself gets no other root', async () => {
    const { id } = await volumes.attachedVolume();
    const vmId = await emptyVm('no-volume-for-it');
    await expect(volumes.done(volumes.attachRootVolume(id, vmId, { signal }))).rejects.toMatchObject({
      code: 'VOLUME_IN_USE',
    });
    await expect(volumes.attachRootVolume(id, volumes.site.oma_vm_id, { signal })).rejects.toMatchObject({
      code: 'INVALID_REQUEST',
    });
    await volumes.done(volumes.detachVolume(id, { signal }));
  });
});

describe('clean-up after a test failover', () => {
  const cleanUp = (vmId: string, volumeId: string, more: object = {}) =>
    volumes.cleanUpTestFailover(
      { test_vm_id: vmId, volume_id: volumeId, oma_vm_id: volumes.site.oma_vm_id, ...more },
      { signal },
    );

  test('stops the VM, brings the volume back to the appliance with its device proved, and deletes the VM', async () => {
    const [vmId, id] = [await emptyVm('test-of-db'), await usedVolume()];
    const cloud = cloudOf(volumes.site);
    await volumes.done(volumes.attachRootVolume(id, vmId, { signal }));
    await endOfJob(cloud, (await cloud.startVm(vmId, within())).jobId);
    const cleaned = await volumes.done(cleanUp(vmId, id, { delete_vm: true }));
    expect(cleaned.response).toMatchObject({ volume_id: id, vm_deleted: true });
    expect(await volumes.device(id, { signal })).toMatchObject({ device_path: cleaned.response?.['device_path'] });
    expect(['Destroyed', 'Expunging', undefined]).toContain((await cloud.vm(vmId, within()))?.state);
    expect(await volumes.volume(id, { signal })).toMatchObject({ role: 'replica', status: 'attached' });
    // Its steps are operations of their own, and part of it.
    const query = { volume_id: id, limit: 3 };
    const { operations } = await daemon.client.call('listOperations', { query }, { signal });
    expect(operations.map(({ type, part_of: of }) => [type, of])).toEqual([
      ['attach', cleaned.id],
      ['detach', cleaned.id],
      ['cleanup', null],
    ]);
    await volumes.done(volumes.detachVolume(id, { signal }));
  });

  test('rule D7: a VM that bears no mark of ours is neither stopped nor deleted', async () => {
    const [vmId, id] = [await emptyVm('of-somebody', { ours: false }), await usedVolume()];
    const cloud = cloudOf(volumes.site);
    await volumes.done(volumes.attachRootVolume(id, vmId, { signal }));
    await endOfJob(cloud, (await cloud.startVm(vmId, within())).jobId);
    await expect(volumes.done(cleanUp(vmId, id))).rejects.toMatchObject({ code: 'VOLUME_NOT_OURS' });
    expect((await cloud.vm(vmId, within()))?.state).toBe('Running');
  });

  test('a VM that is gone: told, or gone on without it when forced', async () => {
    const id = await usedVolume();
    const gone = '01a20c8a-127c-70cf-87c5-d779238abe44';
    await expect(volumes.done(cleanUp(gone, id))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const cleaned = await volumes.done(cleanUp(gone, id, { force_clean: true }));
    expect(cleaned.response).toMatchObject({ vm_deleted: false });
    await volumes.done(volumes.detachVolume(id, { signal }));
  });

  test('a second disk of ours on the VM keeps it from being deleted', async () => {
    const [vmId, root, data] = [await emptyVm('two-disks'), await usedVolume(), await usedVolume()];
    await volumes.done(volumes.attachRootVolume(root, vmId, { signal }));
    await volumes.done(volumes.attachVolume(data, vmId, { signal }));
    await expect(volumes.done(cleanUp(vmId, root, { delete_vm: true }))).rejects.toMatchObject({
      code: 'VOLUME_IN_USE',
      details: { volume_id: data },
    });
    expect((await cloudOf(volumes.site).vm(vmId, within()))?.state).toBe('Stopped');
  });
});
