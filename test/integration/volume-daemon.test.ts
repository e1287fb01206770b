import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cloudOf, endOfJob, newVolume, within } from '../fixtures/cloud-of-lab.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForBytes,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { readRows } from '../fixtures/database-rows.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { arm, disarm, labBooks } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { cancel } from '../fixtures/steer.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';

const gib = 1024 ** 3;
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

const offering = () => ({ disk_offering_id: volumes.site.disk_offering_id, zone_id: volumes.site.zone_id });
const jobsOf = async (command: string, volumeId: string): Promise<number> =>
  (await labBooks(dir)).jobs.filter((job) => job.command === command && job.volumeId === volumeId).length;

describe('a volume from its making to its end', () => {
  let id: string;

  test('is made: pending at once, and completed with the id that CloudStack gave', async () => {
    const request = { name: 'web-01', size: 3 * gib - 1, ...offering(), metadata: { ticket: 'CHG-1' } };
    const begun = await volumes.createVolume(request, { signal });
    expect(begun).toMatchObject({ type: 'create', status: 'pending', volume_id: null, completed_at: null });
    const made = await volumes.waitForCompletion(begun.id, { signal });
    id = String(made.response?.['volume_id']);
    expect(made).toMatchObject({ volume_id: id, response: { name: `web-01-${begun.id}`, size_bytes: 3 * gib } });
    expect(await volumes.volume(id, { signal })).toMatchObject({
      ...{ origin: 'made', role: 'replica', status: 'available', metadata: { ticket: 'CHG-1' }, received_data: false },
      cloud: { vm_id: null, size_bytes: 3 * gib, owner: 'ours' },
    });
    await expect(volumes.device(id, { signal })).rejects.toMatchObject({ code: 'MAPPING_NOT_FOUND' });
  });

  test('is attached: the device of the answer is the one the host shows under its serial', async () => {
    const attached = await volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }));
    const path = String(attached.response?.['device_path']);
    expect(attached.response).toMatchObject({ device_path: path, message: 'Volume attached successfully' });
    const device = await volumes.device(id, { signal });
    expect(device).toMatchObject({
      ...{ volume_id: id, device_path: path, vm_id: volumes.site.oma_vm_id, size_bytes: 3 * gib },
      serial: id.replaceAll('-', '').slice(0, 20),
      evidence: { kind: 'serial', excess_bytes: 0 },
    });
    expect(await volumes.volumeOfDevice(path, { signal })).toMatchObject({ volume_id: id });
    expect(await volumes.volumeOfDevice(path.replace('/dev/', ''), { signal })).toMatchObject({ volume_id: id });
    const { hosts } = await daemon.client.call('listHosts', {}, { signal });
    expect(hosts[0]?.devices.find((one) => one.path === path)).toMatchObject({ volume_id: id });
    const listed = await volumes.volumesOfVm(volumes.site.oma_vm_id, { signal });
    expect(listed.find((one) => one.volume_id === id)).toMatchObject({ owner: 'ours', record: { status: 'attached' } });
  });

  test('is not deleted while it is attached', async () => {
    await expect(volumes.deleteVolume(id, { signal })).rejects.toMatchObject({ code: 'VOLUME_IN_USE' });
  });

  test('is detached: the mapping ends, and a second detach finds nothing to do', async () => {
    const detached = await volumes.done(volumes.detachVolume(id, { signal }));
    expect(detached.response).toMatchObject({ message: 'Volume detached successfully' });
    await expect(volumes.device(id, { signal })).rejects.toMatchObject({ code: 'MAPPING_NOT_FOUND' });
    const again = await volumes.done(volumes.detachVolume(id, { signal }));
    expect(again.response).toMatchObject({ message: 'Volume was not attached' });
    expect(await jobsOf('detachVolume', id)).toBe(1);
  });

  test('is deleted, and is unknown from then on', async () => {
    await volumes.done(volumes.deleteVolume(id, { signal }));
    expect(await volumes.volume(id, { signal })).toMatchObject({ status: 'deleted', cloud: null, cloud_error: null });
    await expect(volumes.detachVolume(id, { signal })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('every act is in the audit, in the order it was asked for', async () => {
    const rows = await readRows<{ act: string }>(dir, 'SELECT act FROM audit WHERE subject = ? ORDER BY id', [id]);
    expect(rows.map(({ act }) => act)).toEqual(['attach-volume', 'detach-volume', 'detach-volume', 'delete-volume']);
  });
});

describe('rule D5: adopted where it is', () => {
  test('attached before the daemon knew it: proved where it is, nothing is asked of CloudStack', async () => {
    const cloud = cloudOf(volumes.site);
    const { id } = await newVolume(cloud, volumes.site, 'older-than-the-daemon');
    await endOfJob(cloud, (await cloud.attachVolume(id, volumes.site.oma_vm_id, within())).jobId);
    const attached = await volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }));
    expect(attached.response).toMatchObject({ device_path: expect.stringMatching(/^\/dev\//) as string });
    expect(await jobsOf('attachVolume', id)).toBe(1);
    expect(await jobsOf('detachVolume', id)).toBe(0);
    // Nobody knows what it holds: it counts as data, and its name is needed to delete it.
    expect(await volumes.volume(id, { signal })).toMatchObject({
      ...{ origin: 'adopted', received_data: true, status: 'attached' },
      cloud: { owner: 'ours' },
    });
    await volumes.done(volumes.detachVolume(id, { signal }));
    await expect(volumes.deleteVolume(id, { signal })).rejects.toMatchObject({ code: 'CONFIRM_REQUIRED' });
    await volumes.done(volumes.deleteVolume(id, { signal, confirm: 'older-than-the-daemon' }));
  });

  test('attached to another VM: refused, and left there', async () => {
    const id = await volumes.newVolume();
    const [other] = (await labBooks(dir)).vms.filter(({ name }) => name === 'intranet');
    const cloud = cloudOf(volumes.site);
    await endOfJob(cloud, (await cloud.attachVolume(id, other?.id ?? '', within())).jobId);
    await expect(volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }))).rejects.toMatchObject({
      code: 'VOLUME_IN_USE',
    });
    expect((await cloud.volume(id, within()))?.vmId).toBe(other?.id);
    expect(await jobsOf('detachVolume', id)).toBe(0);
  });

  test('rule D7: of another console: never touched', async () => {
    const cloud = cloudOf(volumes.site);
    const { id } = await newVolume(cloud, volumes.site, 'of-another-console');
    await endOfJob(cloud, (await cloud.tag(id, { 'ossea-owner': crypto.randomUUID() }, within())).jobId);
    await expect(volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }))).rejects.toMatchObject({
      code: 'VOLUME_NOT_OURS',
    });
    expect(await jobsOf('attachVolume', id)).toBe(0);
  });
});

describe('one operation a volume', () => {
  test('a second one is VOLUME_BUSY with the id of the first; others on the VM follow in the order of arrival', async () => {
    const [first, second] = [await volumes.newVolume(), await volumes.newVolume()];
    await arm(dir, 'slow-job', { value: 500, match: { command: 'attachVolume' } });
    const slow = await volumes.attachVolume(first, volumes.site.oma_vm_id, { signal });
    const next = await volumes.attachVolume(second, volumes.site.oma_vm_id, { signal });
    for (const ask of [
      () => volumes.attachVolume(first, volumes.site.oma_vm_id, { signal }),
      () => volumes.detachVolume(first, { signal }),
      () => volumes.deleteVolume(first, { signal }),
    ]) {
      await expect(ask()).rejects.toMatchObject({ code: 'VOLUME_BUSY', details: { operation_id: slow.id } });
    }
    const ended = await Promise.all([slow, next].map(({ id }) => volumes.waitForCompletion(id, { signal })));
    const ends = ended.map((operation) => operation.completed_at);
    expect(ends).toEqual([...ends].sort());
    for (const id of [first, second]) await volumes.done(volumes.detachVolume(id, { signal }));
  });

  test('the same request with the same key is one operation; another request with it is refused', async () => {
    const request = { name: 'once', size: gib, ...offering() };
    const key = crypto.randomUUID();
    const both = await Promise.all([
      volumes.createVolume(request, { signal, idempotencyKey: key }),
      volumes.createVolume(request, { signal, idempotencyKey: key }),
    ]);
    await volumes.waitForCompletion(both[0].id, { signal });
    const later = await volumes.createVolume(request, { signal, idempotencyKey: key });
    expect(new Set([...both, later].map(({ id }) => id)).size).toBe(1);
    expect((await labBooks(dir)).volumes.filter(({ name }) => name.startsWith('once-'))).toHaveLength(1);
    await expect(
      volumes.createVolume({ ...request, size: 2 * gib }, { signal, idempotencyKey: key }),
    ).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});

test('the volume of a migration is its own: nobody else detaches or deletes it meanwhile', async () => {
  await daemon.client.call('changeSettings', { body: { rate_mib_per_second: 4 } }, { signal });
  const id = await startMigration(daemon, 'pgtest2');
  await waitForBytes(daemon, id, 1);
  const { disks } = await daemon.client.call('getMigration', { params: { id } }, { signal });
  const volumeId = disks[0]?.volume_id ?? '';
  const refusal = { code: 'VOLUME_IN_USE', details: { migration_id: id } };
  await expect(volumes.detachVolume(volumeId, { signal })).rejects.toMatchObject(refusal);
  await expect(volumes.attachVolume(volumeId, volumes.site.oma_vm_id, { signal })).rejects.toMatchObject(refusal);
  await expect(volumes.deleteVolume(volumeId, { signal })).rejects.toMatchObject({ code: 'VOLUME_IN_USE' });
  const closing = daemon.client.call('closeExport', { params: { volume_id: volumeId } }, { signal });
  await expect(closing).rejects.toMatchObject(refusal);
  await cancel(daemon, id);
  await daemon.client.call('changeSettings', { body: { rate_mib_per_second: null } }, { signal });
});

describe('what an operation that fails leaves', () => {
  test('a detach that CloudStack does not carry out fails, the volume stays mapped, and a new request asks again', async () => {
    const { id, device } = await volumes.attachedVolume();
    await arm(dir, 'job-fails-530', { match: { command: 'detachVolume' } });
    await expect(volumes.done(volumes.detachVolume(id, { signal }))).rejects.toMatchObject({ code: 'DETACH_FAILED' });
    expect(await volumes.device(id, { signal })).toMatchObject({ device_path: device });
    await volumes.done(volumes.detachVolume(id, { signal }));
  });

  test('rule J2: the end of a wait is not the end of the operation', async () => {
    const id = await volumes.newVolume();
    await arm(dir, 'device-late', { value: 1_500 });
    const begun = await volumes.attachVolume(id, volumes.site.oma_vm_id, { signal });
    await expect(volumes.waitForCompletion(begun.id, { signal, timeoutMs: 200 })).rejects.toMatchObject({
      code: 'WAIT_TIMEOUT',
      details: { operation_id: begun.id },
    });
    expect(await volumes.operation(begun.id, { signal })).toMatchObject({ status: 'executing' });
    expect(await volumes.waitForCompletion(begun.id, { signal })).toMatchObject({ status: 'completed' });
    await volumes.done(volumes.detachVolume(id, { signal }));
  });

  test('a held one can be resumed, or given up', async () => {
    const id = await volumes.newVolume();
    await arm(dir, 'empty-401', { match: { command: 'attachVolume' } });
    const begun = await volumes.attachVolume(id, volumes.site.oma_vm_id, { signal });
    await heldOperation(begun.id);
    await daemon.client.call('abandonOperation', { params: { id: begun.id } }, { signal });
    expect(await volumes.operation(begun.id, { signal })).toMatchObject({ status: 'cancelled' });
    await arm(dir, 'empty-401', { match: { command: 'attachVolume' } });
    const second = await volumes.attachVolume(id, volumes.site.oma_vm_id, { signal });
    await heldOperation(second.id);
    await daemon.client.call('resumeOperation', { params: { id: second.id } }, { signal });
    expect(await volumes.waitForCompletion(second.id, { signal })).toMatchObject({ status: 'completed' });
    await volumes.done(volumes.detachVolume(id, { signal }));
  });

  const heldOperation = async (id: string): Promise<void> => {
    await expect
      .poll(async () => (await volumes.operation(id, { signal })).reason, { timeout: 30_000 })
      .toContain('CLOUD_AUTH');
    expect(await volumes.operation(id, { signal })).toMatchObject({ status: 'executing' });
  };
});

describe('force-sync', () => {
  test('expires what no longer holds, adopts what is proved, proposes the rest, and touches no volume', async () => {
    const kept = await volumes.attachedVolume();
    const lost = await volumes.attachedVolume();
    const cloud = cloudOf(volumes.site);
    await endOfJob(cloud, (await cloud.detachVolume(lost.id, within())).jobId);
    const stranger = await newVolume(cloud, volumes.site, 'a-stranger');
    await endOfJob(cloud, (await cloud.attachVolume(stranger.id, volumes.site.oma_vm_id, within())).jobId);
    await labDoes(dir, 'restart-oma', {});
    const before = (await labBooks(dir)).jobs.length;

    const synced = await volumes.done(volumes.forceSync({ signal }));
    expect(synced.response).toMatchObject({
      adopted: expect.arrayContaining([expect.objectContaining({ volume_id: kept.id })]) as unknown,
      findings: expect.arrayContaining([
        expect.objectContaining({ code: 'VOLUME_DETACHED', volume_id: lost.id }),
        expect.objectContaining({
          ...{ code: 'VOLUME_NOT_OURS', volume_id: stranger.id },
          proposed: {
            method: 'POST',
            path: `/api/v1/volumes/${stranger.id}/attach`,
            body: { vm_id: volumes.site.oma_vm_id },
          },
        }),
      ]) as unknown,
    });
    expect((await labBooks(dir)).jobs.length).toBe(before);
    // Whoever looked first, the watcher or the synchronisation: both mappings of the earlier boot have ended.
    const sql = `SELECT ended_because FROM device_mappings WHERE volume_id IN (?, ?) AND ended_at IS NOT NULL`;
    const ended = await readRows<{ ended_because: string }>(dir, sql, [kept.id, lost.id]);
    expect(ended).toHaveLength(2);
    expect(await volumes.device(kept.id, { signal })).toMatchObject({ volume_id: kept.id });
    await volumes.done(volumes.detachVolume(kept.id, { signal }));
  });
});

describe('rule D1: an observation ends when the host shows something else', () => {
  test('also while nobody asks: a device that is taken away, and a boot', async () => {
    const [gone, kept] = [await volumes.attachedVolume(), await volumes.attachedVolume()];
    const endOf = async (id: string): Promise<string | null | undefined> =>
      (await daemon.client.call('listVolumes', { query: { limit: 1000 } }, { signal })).volumes.find(
        ({ volume_id: volumeId }) => volumeId === id,
      )?.mapping?.ended_because;
    await labDoes(dir, `volumes/${gone.id}/virsh-detach`, {});
    await expect.poll(() => endOf(gone.id), { timeout: 30_000 }).toBe('device gone');
    expect(await endOf(kept.id)).toBeNull();
    await labDoes(dir, 'restart-oma', {});
    // A look in the middle of the boot finds no device any more, a later one another boot.
    await expect.poll(() => endOf(kept.id), { timeout: 30_000 }).toMatch(/^(device gone|new boot)$/);
    for (const { id } of [gone, kept]) await volumes.done(volumes.detachVolume(id, { signal }));
  });
});
