import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createCloudStack } from '../../../main/adapters/cloudstack/cloudstack.ts';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import type { Clock } from '../../../main/ports/clock.ts';
import type { Cloud } from '../../../main/ports/cloud.ts';
import { AppError } from '../../../shared/errors.ts';
import {
  attachedVolume,
  cloudOf,
  controlLab,
  endOfJob,
  newVolume,
  readLabFile,
  within,
} from '../../fixtures/cloud-of-lab.ts';
import { realClock } from '../../fixtures/real-clock.ts';

let dir: string;
let lab: Lab;
let file: LabFile;
let cloud: Cloud;

/** The waits between attempts pass at once; the time limit of a call does not. */
const hurriedClock: Clock = {
  ...realClock,
  sleep: (ms, options) => realClock.sleep(ms < 30_000 ? 0 : ms, options),
};

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  lab = await startLab({ dir, port: 0, log: () => undefined });
  file = readLabFile(dir);
  cloud = cloudOf(file, { clock: hurriedClock });
  await controlLab(file, 'POST settings', { delay_ms: [0, 10] });
});
afterAll(async () => {
  await lab.close();
  rmSync(dir, { recursive: true, force: true });
});
beforeEach(async () => {
  await controlLab(file, 'DELETE faults');
});

const arm = (fault: string, more: object = {}): Promise<unknown> => controlLab(file, 'POST faults', { fault, ...more });

describe('the life of a volume', () => {
  test('create, attach, prove by serial, detach, delete', async () => {
    const created = await newVolume(cloud, file, { name: 'life', sizeGib: 2 });
    expect(created).toMatchObject({
      state: 'Allocated',
      type: 'DATADISK',
      sizeBytes: 2 * 2 ** 30,
      vmId: null,
      deviceId: null,
    });

    const attach = await cloud.attachVolume(created.id, file.oma_vm_id, within());
    expect(await endOfJob(cloud, attach.jobId)).toEqual({ state: 'succeeded' });
    const attached = await cloud.volume(created.id, within());
    expect(attached).toMatchObject({ state: 'Ready', vmId: file.oma_vm_id });
    expect((await cloud.volumesOfVm(file.oma_vm_id, within())).map((volume) => volume.id)).toContain(created.id);
    const link = join(file.host_root, 'dev/disk/by-id', `virtio-${created.id.replaceAll('-', '').slice(0, 20)}`);
    expect(existsSync(link)).toBe(true);

    await expect(cloud.deleteVolume(created.id, within())).rejects.toMatchObject({
      code: 'CLOUD_REFUSED',
      details: {
        command: 'deleteVolume',
        http: 431,
        error_code: 431,
        cs_error_code: 4350,
        error_text: 'Please specify a volume that is not attached to any VM.',
      },
    });
    const detach = await cloud.detachVolume(created.id, within());
    expect(await endOfJob(cloud, detach.jobId)).toEqual({ state: 'succeeded' });
    expect(await cloud.volume(created.id, within())).toMatchObject({ vmId: null, deviceId: null, state: 'Ready' });
    await cloud.deleteVolume(created.id, within());
    expect(await cloud.volume(created.id, within())).toBeNull();
  });

  test('a name finds exactly the volumes of that name', async () => {
    const name = "web 01 root+data (C:) ~*'!";
    const { id } = await newVolume(cloud, file, name);
    await newVolume(cloud, file, `${name}2`);
    expect((await cloud.volumesNamed(name, within())).map((volume) => volume.id)).toEqual([id]);
    expect(await cloud.volumesNamed('no such name', within())).toEqual([]);
  });

  test('more than one page is read to the end', async () => {
    await controlLab(file, 'POST settings', { max_volumes: 2_000 });
    await newVolume(cloud, file, 'many');
    for (let index = 0; index < 504; index += 1) await controlLab(file, 'POST volumes/duplicate', { name: 'many' });
    expect(await cloud.volumesNamed('many', within())).toHaveLength(505);
  });

  test('a volume that never was is null, and a job that never was is unknown', async () => {
    const never = '6d9a3c34-1111-4222-8333-444455556666';
    expect(await cloud.volume(never, within())).toBeNull();
    expect(await cloud.job(never, within())).toEqual({ state: 'unknown' });
    await expect(cloud.attachVolume(never, file.oma_vm_id, within())).rejects.toMatchObject({ code: 'CLOUD_REFUSED' });
  });
});

describe('what CloudStack refuses', () => {
  test('inside the job: a second attach, a detach of what is not attached', async () => {
    const { id } = await attachedVolume(cloud, file, 'twice');
    const again = await cloud.attachVolume(id, file.oma_vm_id, within());
    expect(await endOfJob(cloud, again.jobId)).toEqual({
      state: 'failed',
      code: 431,
      text: 'Please specify a volume that is not attached to any VM.',
    });
    await endOfJob(cloud, (await cloud.detachVolume(id, within())).jobId);
    const detach = await cloud.detachVolume(id, within());
    expect(await endOfJob(cloud, detach.jobId)).toMatchObject({
      code: 431,
      text: 'The specified volume is not attached to a VM.',
    });
  });

  test('a size outside the range', async () => {
    await expect(newVolume(cloud, file, { name: 'huge', sizeGib: 1025 })).rejects.toMatchObject({
      code: 'CLOUD_REFUSED',
      reason: 'createVolume: Volume size: 1025 GB is out of allowed range. Min: 1. Max: 1024 (431)',
    });
  });

  test('a volume over the limit of the account', async () => {
    await arm('limit-535');
    await expect(newVolume(cloud, file, 'one too many')).rejects.toMatchObject({
      code: 'CLOUD_LIMIT',
      reason: expect.stringContaining("Maximum amount of resources of Type = 'volume'") as string,
    });
  });

  test('a disk over the maximum of the appliance', async () => {
    const attached = (await cloud.volumesOfVm(file.oma_vm_id, within())).filter((volume) => volume.type === 'DATADISK');
    await controlLab(file, 'POST settings', { max_data_disks: attached.length });
    const { id } = await newVolume(cloud, file, 'no slot');
    const { jobId } = await cloud.attachVolume(id, file.oma_vm_id, within());
    const end = await endOfJob(cloud, jobId);
    // Only now: the job may look at it after its request was answered.
    await controlLab(file, 'POST settings', { max_data_disks: 32 });
    expect(end).toMatchObject({
      code: 431,
      text: expect.stringContaining('maximum number of data disks') as string,
    });
  });

  test('the key, and no error shows the secret', async () => {
    const stranger = cloudOf(file, { secret: 'a-wrong-secret' });
    const refused = await stranger.volumesNamed('x', within()).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'CLOUD_AUTH' });
    expect(JSON.stringify(refused) + String((refused as AppError).stack)).not.toContain('a-wrong-secret');
    await arm('empty-401');
    await expect(cloud.volumesNamed('x', within())).rejects.toMatchObject({ code: 'CLOUD_AUTH' });
  });
});

describe('what goes wrong on the way', () => {
  test.each(['create', 'attach', 'detach'] as const)('the reply to %s is lost, the work is done', async (what) => {
    const { id } =
      what === 'detach'
        ? await attachedVolume(cloud, file, `lost ${what}`)
        : await newVolume(cloud, file, `lost ${what}`);
    await arm(`${what}-reply-lost`);
    const request = {
      name: `lost ${what} new`,
      sizeGib: 1,
      diskOfferingId: file.disk_offering_id,
      zoneId: file.zone_id,
    };
    const calls = {
      create: () => cloud.createVolume(request, within()),
      attach: () => cloud.attachVolume(id, file.oma_vm_id, within()),
      detach: () => cloud.detachVolume(id, within()),
    };
    await expect(calls[what]()).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
    if (what === 'create') {
      expect(await cloud.volumesNamed(request.name, within())).toHaveLength(1);
      return;
    }
    await expect
      .poll(async () => (await cloud.volume(id, within()))?.vmId, { timeout: 20_000 })
      .toBe(what === 'attach' ? file.oma_vm_id : null);
  });

  test('the job whose reply was lost is found again on its volume', async () => {
    const { id } = await newVolume(cloud, file, 'found again');
    await arm('slow-job', { value: 300, match: { command: 'attachVolume' } });
    await arm('attach-reply-lost');
    await expect(cloud.attachVolume(id, file.oma_vm_id, within())).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
    const jobId = (await cloud.volume(id, within()))?.pendingJobId ?? '';
    expect(await endOfJob(cloud, jobId)).toEqual({ state: 'succeeded' });
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: file.oma_vm_id, pendingJobId: null });
  });

  test.each(['request-lost', 'http-429', 'http-503'])('%s: a read is repeated, a write is not', async (fault) => {
    await arm(fault, { count: 3, match: { command: 'listVolumes' } });
    expect(await cloud.volumesNamed('nothing of that name', within())).toEqual([]);
    await arm(fault, { match: { command: 'createVolume' } });
    const name = `not repeated ${fault}`;
    await expect(newVolume(cloud, file, name)).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
    expect(await cloud.volumesNamed(name, within())).toEqual([]);
  });

  test('a read that never gets through ends', async () => {
    await arm('http-503', { count: 5 });
    await expect(cloud.volumesNamed('x', within())).rejects.toMatchObject({ code: 'CLOUD_UNREACHABLE' });
  });

  test('a page of HTML is not taken for an answer', async () => {
    await arm('garbage-reply');
    await expect(cloud.volumesNamed('x', within())).rejects.toMatchObject({ code: 'CLOUD_REPLY_INVALID' });
  });

  test('nobody listens', async () => {
    const nowhere = { ...file, url: 'http://127.0.0.1:9' };
    await expect(cloudOf(nowhere, { clock: hurriedClock }).volumesNamed('x', within())).rejects.toMatchObject({
      code: 'CLOUD_UNREACHABLE',
    });
  });

  test('an answer that does not come in time', async () => {
    const silent: typeof fetch = (_url, init) =>
      new Promise((_resolve, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
      });
    const impatient: Clock = { ...realClock, sleep: () => Promise.resolve() };
    const options = { url: file.url, apiKey: 'k', secret: () => 's', clock: impatient, fetch: silent };
    await expect(createCloudStack(options).detachVolume('x', within())).rejects.toMatchObject({
      code: 'CLOUD_UNREACHABLE',
      reason: 'detachVolume: no answer within 30 s',
    });
  });

  test('the caller gives up: its own reason comes back', async () => {
    const caller = new AbortController();
    const reason = new AppError('CANCELLED', 'the administrator said so');
    await arm('http-503', { count: 100 });
    const patient = cloudOf(file).volumesNamed('x', { signal: caller.signal });
    caller.abort(reason);
    await expect(patient).rejects.toBe(reason);
    await expect(cloud.volumesNamed('x', { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });

  test.each([
    ['job-fails-530', 530],
    ['job-fails-431', 431],
  ])('%s: the job fails and nothing was done', async (fault, code) => {
    const { id } = await newVolume(cloud, file, fault);
    await arm(fault);
    const { jobId } = await cloud.attachVolume(id, file.oma_vm_id, within());
    expect(await endOfJob(cloud, jobId)).toMatchObject({ state: 'failed', code });
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: null, state: 'Allocated' });
  });

  test('a job may fail after it has done its work', async () => {
    const { id } = await newVolume(cloud, file, 'did it');
    await arm('job-fails-after-act');
    const { jobId } = await cloud.attachVolume(id, file.oma_vm_id, within());
    expect(await endOfJob(cloud, jobId)).toMatchObject({ state: 'failed', code: 530 });
    expect(await cloud.volume(id, within())).toMatchObject({ vmId: file.oma_vm_id });
  });

  test('a job that expired is unknown', async () => {
    const { id } = await newVolume(cloud, file, 'expired');
    const { jobId } = await cloud.attachVolume(id, file.oma_vm_id, within());
    await arm('job-expired');
    expect(await cloud.job(jobId, within())).toEqual({ state: 'unknown' });
  });

  test('a volume vanishes; two have one name', async () => {
    await arm('volume-vanishes', { match: { command: 'createVolume' } });
    await expect(newVolume(cloud, file, 'vanishing')).rejects.toThrow('does not list');
    await arm('duplicate-name');
    await newVolume(cloud, file, 'double');
    expect(await cloud.volumesNamed('double', within())).toHaveLength(2);
  });
});

describe('clocks that differ', () => {
  test.each([3_600_000, -3_600_000])('the server is %i ms ahead', async (clock_offset_ms) => {
    await controlLab(file, 'POST settings', { clock_offset_ms, enforce_post_and_timestamps: true });
    try {
      const fresh = cloudOf(file);
      expect(await newVolume(fresh, file, `skew ${clock_offset_ms}`)).toMatchObject({ state: 'Allocated' });
    } finally {
      await controlLab(file, 'POST settings', { clock_offset_ms: 0, enforce_post_and_timestamps: false });
    }
  });
});
