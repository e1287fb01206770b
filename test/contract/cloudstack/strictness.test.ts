import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { signatureOf, textToSign, verifySignature } from '../../../main/lab/cloudstack/signature.ts';
import { type Lab, type LabFile, startLab } from '../../../main/lab/lab.ts';
import { callRaw, cloudOf, controlLab, newVolume, readLabFile, signedQuery } from '../../fixtures/cloud-of-lab.ts';

let dir: string;
let lab: Lab;
let file: LabFile;

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  lab = await startLab({ dir, port: 0, log: () => undefined, devices: 'file' });
  file = readLabFile(dir);
  await controlLab(file, 'POST settings', { delay_ms: [0, 5] });
});
afterAll(async () => {
  await lab.close();
  rmSync(dir, { recursive: true, force: true });
});

const expiresIn = (ms: number): string => `${new Date(Date.now() + ms).toISOString().slice(0, 19)}+0000`;
const UNAUTHORISED = 'unable to verify user credentials and/or request signature';

describe('the signature, as the management server checks it', () => {
  type Vector = { params: Record<string, string>; secret: string; signature: string; stringToSign: string };
  const path = join(import.meta.dirname, '../../fixtures/cloudstack/signature-vectors.json');
  const vectors = JSON.parse(readFileSync(path, 'utf8')) as Vector[];

  test.each(vectors)('vector of Java: $signature', ({ params, secret, signature, stringToSign }) => {
    const parameters = new Map(Object.entries(params));
    expect(textToSign(parameters)).toBe(stringToSign);
    expect(signatureOf(parameters, secret)).toBe(signature);
    const signed = new Map([...parameters, ['signature', signature]]);
    const rules = { secretKey: secret, nowMs: Date.parse('2030-01-01T00:00:00Z'), enforcePostAndTimestamps: false };
    expect(() => verifySignature(signed, { ...rules, method: 'GET' })).not.toThrow();
    expect(() => verifySignature(signed, { ...rules, method: 'GET', secretKey: `${secret}x` })).toThrow(UNAUTHORISED);
  });

  test.each([
    ['a changed value', (query: string) => query.replace('name=a', 'name=b')],
    ['no signature', (query: string) => query.replace(/&signature=.*/, '')],
    ['another key', (query: string) => query.replace(file.api_key, `${file.api_key}x`)],
  ])('%s is refused', async (_what, change) => {
    const query = change(signedQuery(file, { command: 'listZones', name: 'a' }));
    const response = await fetch(`${file.url}/client/api?${query}`);
    expect(response.status).toBe(401);
    expect(response.headers.get('x-description')).toBe(UNAUTHORISED);
    expect(await response.json()).toEqual({
      listzonesresponse: { uuidList: [], errorcode: 401, errortext: UNAUTHORISED },
    });
  });

  test.each([
    ['in ten minutes', { expires: expiresIn(600_000) }, 200],
    ['a second ago', { expires: expiresIn(-2_000) }, 401],
    ['unreadable', { expires: 'tomorrow' }, 401],
    ['missing', {}, 401],
  ])('version 3 with expires %s', async (_what, more: Record<string, string>, status) => {
    expect((await callRaw(file, { command: 'listZones', signatureVersion: '3', ...more })).status).toBe(status);
  });

  test('without version 3 expires is ignored', async () => {
    expect((await callRaw(file, { command: 'listZones', expires: 'tomorrow' })).status).toBe(200);
  });

  test('POST: parameters of query and body together, of a repeated one the last', async () => {
    const query = signedQuery(file, { command: 'listZones', name: 'lab-zone' });
    const [first = '', ...rest] = query.split('&');
    const response = await fetch(`${file.url}/client/api?${first}&name=other`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
      body: rest.join('&'),
    });
    expect(await response.json()).toMatchObject({ listzonesresponse: { count: 1 } });
  });
});

describe('envelopes', () => {
  test('JSON is told by its type; an empty list has neither count nor array', async () => {
    const empty = await callRaw(file, { command: 'listVolumes', name: 'nothing' });
    expect(empty.headers.get('content-type')).toBe('application/json; charset=UTF-8');
    expect(empty.body).toEqual({ listvolumesresponse: {} });
  });

  test('a page beyond the end has a count and no array', async () => {
    const beyond = await callRaw(file, { command: 'listVolumes', page: '9', pagesize: '10' });
    expect(beyond.body).toEqual({ listvolumesresponse: { count: 3 } });
  });

  test.each([
    [{ pagesize: '5' }, '"page" parameter is required when "pagesize" is specified'],
    [{ page: '1', pagesize: '501' }, "Page size can't exceed max allowed page size value: 500"],
  ])('%j', async (parameters, errortext) => {
    const refused = await callRaw(file, { command: 'listVolumes', ...(parameters as Record<string, string>) });
    expect(refused).toMatchObject({
      status: 431,
      body: { listvolumesresponse: { uuidList: [], errorcode: 431, errortext } },
    });
  });

  test('XML, the default of CloudStack, is refused in words', async () => {
    const response = await fetch(`${file.url}/client/api?command=listZones`);
    expect(response.status).toBe(406);
    expect(await response.text()).toContain('response=json');
  });

  test('an unknown command', async () => {
    const unknown = await callRaw(file, { command: 'mineBitcoin' });
    expect(unknown).toMatchObject({
      status: 401,
      body: { errorresponse: { errorcode: 401, errortext: UNAUTHORISED } },
    });
  });

  test('names of parameters in any case', async () => {
    const listed = await callRaw(file, { command: 'listVolumes', virtualMachineId: file.oma_vm_id });
    expect(listed.body).toMatchObject({ listvolumesresponse: { count: 1, volume: [{ type: 'ROOT', deviceid: 0 }] } });
  });

  test('control characters', async () => {
    const refused = await callRaw(file, { command: 'listVolumes', name: 'a\u0007' });
    expect(refused.body).toMatchObject({
      listvolumesresponse: {
        errorcode: 431,
        errortext: 'Received value containing illegal ASCII non-printable characters for parameter name',
      },
    });
  });
});

describe('createVolume refuses at once', () => {
  const missing = 'Unable to execute API command createvolume due to missing parameter zoneid';
  test.each([
    [{}, missing],
    [{ zoneid: 'Z' }, 'At least one of disk Offering ID or snapshot ID must be passed whilst creating volume'],
    [{ zoneid: 'Z', diskofferingid: 'D' }, 'This disk offering requires a custom size specified'],
    [{ zoneid: 'Z', diskofferingid: 'D', size: '0' }, 'Volume size: 0 GB is out of allowed range. Min: 1. Max: 1024'],
  ])('%j', async (parameters: Record<string, string>, errortext) => {
    const real: Record<string, string> = { Z: file.zone_id, D: file.disk_offering_id };
    const sent = Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, real[value] ?? value]));
    const refused = await callRaw(file, { command: 'createVolume', ...sent });
    expect(refused).toMatchObject({ status: 431, body: { createvolumeresponse: { errorcode: 431, errortext } } });
  });

  test('a size for an offering of a fixed size', async () => {
    const offerings = (await callRaw(file, { command: 'listDiskOfferings', name: 'Small' })).body as {
      listdiskofferingsresponse: { diskoffering: { id: string }[] };
    };
    const diskofferingid = offerings.listdiskofferingsresponse.diskoffering[0]?.id ?? '';
    const refused = await callRaw(file, { command: 'createVolume', zoneid: file.zone_id, diskofferingid, size: '3' });
    expect(JSON.stringify(refused.body)).toContain('This disk offering does not allow custom size');
  });
});

describe('device ids', () => {
  test('are the lowest of 1, 2, 4, 5: 3 is the CD-ROM', async () => {
    const cloud = cloudOf(file);
    const ids: (number | null)[] = [];
    for (const name of ['one', 'two', 'three', 'four']) {
      const { id } = await newVolume(cloud, file, name);
      const accepted = await callRaw(file, { command: 'attachVolume', id, virtualmachineid: file.oma_vm_id });
      const { jobid } = (accepted.body['attachvolumeresponse'] ?? {}) as { jobid: string };
      await expect
        .poll(async () => (await callRaw(file, { command: 'queryAsyncJobResult', jobid })).body)
        .toMatchObject({
          queryasyncjobresultresponse: { jobstatus: 1, jobinstancetype: 'Volume', jobinstanceid: id },
        });
      ids.push((await cloud.volume(id, { signal: AbortSignal.timeout(10_000) }))?.deviceId ?? null);
    }
    expect(ids).toEqual([1, 2, 4, 5]);
  });
});

describe('the lab belongs to its owner', () => {
  test('lab.json is for its owner alone', () => {
    expect(statSync(join(dir, 'lab.json')).mode & 0o777).toBe(0o600);
    expect(statSync(join(dir, 'state.json')).mode & 0o777).toBe(0o600);
    expect(file).toMatchObject({ pid: process.pid, host_root: join(dir, 'oma'), vms_dir: join(dir, 'vms') });
  });

  test('a second lab on the same folder is refused', async () => {
    await expect(startLab({ dir, port: 0, log: () => undefined })).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
  });

  test('control needs the token', async () => {
    const response = await fetch(`${file.url}/lab/v1/state`, { headers: { Authorization: 'Bearer guess' } });
    expect(response.status).toBe(401);
  });

  test('a wrong setting or fault changes nothing', async () => {
    await expect(controlLab(file, 'POST settings', { max_volumes: 7, serials: 'random' })).rejects.toThrow('serials');
    await expect(controlLab(file, 'POST faults', { fault: 'gremlins' })).rejects.toThrow('gremlins');
    const state = await controlLab<{ settings: { max_volumes: number }; faults: unknown[] }>(file, 'GET state');
    expect(state).toMatchObject({ settings: { max_volumes: 500 }, faults: [] });
  });
});
