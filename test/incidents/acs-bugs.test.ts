import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { callToEnd, cloudOf, stoppedVm, within } from '../fixtures/cloud-of-lab.ts';
import { type DaemonProcess, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { arm, disarm, labBooks } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';

/** Bugs of Apache CloudStack that its users reported, replayed against the daemon. */
const signal = testSignal();
let dir: string;
let daemon: DaemonProcess;
let volumes: VolumeDaemon;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir });
  volumes = volumeDaemon(daemon, dir);
});
afterEach(async () => {
  await disarm(dir);
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

test('14214: a detach of earlier clears a newer attachment; the attach is not believed, and no second device is', async () => {
  const id = await volumes.newVolume();
  await arm(dir, 'stale-detach');
  // It is asked for again, and the guest still has the disk: CloudStack refuses, and so nothing is known as its device.
  await expect(volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }))).rejects.toMatchObject({
    code: 'CLOUD_JOB_FAILED',
    reason: expect.stringContaining('already exists') as string,
  });
  await expect(volumes.device(id, { signal })).rejects.toMatchObject({ code: 'MAPPING_NOT_FOUND' });
  const synced = await volumes.done(volumes.forceSync({ signal }));
  // The disk that the guest kept is reported, and left alone.
  expect(synced.response).toMatchObject({ adopted: [], findings: [{ code: 'DEVICE_UNKNOWN', proposed: null }] });
  await labDoes(dir, `volumes/${id}/virsh-detach`, {});
});

test('6374: the device id that CloudStack chose is taken; the attach fails with its words, the volume stays free', async () => {
  const id = await volumes.newVolume();
  await arm(dir, 'target-exists');
  await expect(volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }))).rejects.toMatchObject({
    code: 'CLOUD_JOB_FAILED',
  });
  expect((await cloudOf(volumes.site).volume(id, within()))?.vmId).toBeNull();
  const again = await volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }));
  expect(await volumes.device(id, { signal })).toMatchObject({ device_path: again.response?.['device_path'] });
  await volumes.done(volumes.detachVolume(id, { signal }));
});

test('8634: a root disk attached without device id 0 makes a VM that cannot start; ours is attached with it', async () => {
  const cloud = cloudOf(volumes.site);
  const { vmId, rootId } = await stoppedVm(volumes.site, 'acs-8634');
  await callToEnd(volumes.site, { command: 'detachVolume', id: rootId });
  const { id } = await volumes.attachedVolume();
  await volumes.done(volumes.detachVolume(id, { signal }));
  await callToEnd(volumes.site, { command: 'attachVolume', id, virtualmachineid: vmId });
  const start = { command: 'startVirtualMachine', id: vmId };
  expect(await callToEnd(volumes.site, start)).toMatchObject({ jobstatus: 2 });
  await callToEnd(volumes.site, { command: 'detachVolume', id });
  await volumes.done(volumes.attachRootVolume(id, vmId, { signal }));
  expect(await callToEnd(volumes.site, start)).toMatchObject({ jobstatus: 1 });
  expect((await cloud.volume(id, within()))?.type).toBe('ROOT');
  expect((await labBooks(dir)).vms.find((vm) => vm.id === vmId)?.state).toBe('Running');
});
