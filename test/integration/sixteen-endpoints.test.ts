import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpoints } from '../../shared/contract/all.ts';
import type { Endpoint } from '../../shared/contract/endpoint.ts';
import { errorBody } from '../../shared/contract/fields.ts';
import { catalogue, type ErrorCode } from '../../shared/errors.ts';
import { type DaemonProcess, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { type Answer, sendRaw } from '../fixtures/raw-request.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';

const unknownId = '01a20c8a-127c-70cf-87c5-d779238abe44';
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
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const ask = (call: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> => {
  const [method = '', path = ''] = call.split(' ');
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  return sendRaw(daemon.url, path, {
    method,
    headers: { authorization: `Bearer ${daemon.token}`, ...type, ...headers },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
};

const refusal = async (code: ErrorCode, answer: Promise<Answer>): Promise<void> => {
  const { status, text } = await answer;
  expect(errorBody.parse(JSON.parse(text)).code, text).toBe(code);
  expect(status).toBe(catalogue[code].status);
};

test('the Volume Daemon has sixteen endpoints, at the addresses of the workflow document and its API', () => {
  const served = Object.values<Endpoint>(endpoints).filter(({ tag }) => tag === 'Volume Daemon');
  expect(served.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    [
      'POST /api/v1/volumes',
      'POST /api/v1/volumes/:id/attach',
      'POST /api/v1/volumes/:id/attach-root',
      'POST /api/v1/volumes/:id/detach',
      'DELETE /api/v1/volumes/:id',
      'POST /api/v1/cleanup/test-failover',
      'GET /api/v1/volumes/:id',
      'GET /api/v1/volumes/:id/device',
      'GET /api/v1/devices/:path/volume',
      'GET /api/v1/vms/:id/volumes',
      'GET /api/v1/operations/:id',
      'GET /api/v1/operations',
      'POST /api/v1/admin/force-sync',
      'GET /api/v1/health',
      'GET /api/v1/metrics',
      'GET /health',
    ].sort(),
  );
});

describe('good input', () => {
  test('a device with an encoded path, as curl would ask for it', async () => {
    const { id, device } = await volumes.attachedVolume();
    const answer = await ask(`GET /api/v1/devices/${encodeURIComponent(device)}/volume`);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([200, { volume_id: id, device_path: device }]);
    await volumes.done(volumes.detachVolume(id, { signal }));
  });

  test('operations by type, status, volume, VM and time', async () => {
    const id = await volumes.newVolume();
    const listed = async (query: string): Promise<{ operations: { id: string; volume_id: string }[] }> =>
      JSON.parse((await ask(`GET /api/v1/operations?${query}`)).text) as never;
    const [created] = (await listed(`volume_id=${id}`)).operations;
    expect(created).toMatchObject({ type: 'create', status: 'completed', volume_id: id });
    expect((await listed(`volume_id=${id}&type=attach`)).operations).toEqual([]);
    expect((await listed(`volume_id=${id}&status=completed&type=create&limit=1`)).operations).toHaveLength(1);
    expect((await listed(`volume_id=${id}&since=2999-01-01T00:00:00%2B01:00`)).operations).toEqual([]);
    expect((await listed(`volume_id=${id}&until=2999-01-01T00:00:00Z`)).operations).toHaveLength(1);
    expect((await listed(`vm_id=${unknownId}`)).operations).toEqual([]);
  });

  test('metrics as JSON, and as text for Prometheus', async () => {
    const json = await ask('GET /api/v1/metrics');
    expect(JSON.parse(json.text)).toMatchObject({ slots_total: 26, mappings_open: 0 });
    const { text, headers } = await ask('GET /api/v1/metrics', undefined, { accept: 'text/plain; version=0.0.4' });
    expect(headers['content-type']).toContain('text/plain; version=0.0.4');
    expect(text).toMatch(/^# TYPE ossea_operations gauge$/m);
    expect(text).toMatch(/^ossea_operations\{type="create",status="completed"\} [1-9]\d*$/m);
    for (const line of text.trim().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) ossea_|ossea_[a-z_]+(\{[^}]*\})? [\d.e+-]+$)/);
  });

  test('hosts, inventory, preflight and the exports', async () => {
    const inventory = await daemon.client.call('getInventory', {}, { signal });
    expect(inventory.disk_offerings.find(({ id }) => id === inventory.site.disk_offering_id)?.custom_size).toBe(true);
    expect(inventory.zones.map(({ id }) => id)).toContain(inventory.site.zone_id);
    const { vms } = await daemon.client.call('listVms', {}, { signal });
    const query = { vm_id: vms[0]?.vm_id ?? '' };
    const preflight = await daemon.client.call('getPreflight', { query }, { signal });
    expect(preflight.checks.filter(({ outcome }) => outcome !== 'passed')).toEqual([]);
    expect(preflight.ready).toBe(true);
    expect(await daemon.client.call('validateExports', {}, { signal })).toEqual({ valid: true, findings: [] });
    expect(await daemon.client.call('listOrphanExports', {}, { signal })).toEqual({ exports: [] });
  });
});

describe('bad input', () => {
  const volume = () => ({
    name: 'v',
    size: gib,
    disk_offering_id: volumes.site.disk_offering_id,
    zone_id: volumes.site.zone_id,
  });

  test.each<[string, Record<string, unknown>]>([
    ['size 0', { size: 0 }],
    ['a negative size', { size: -1 }],
    ['size 2^63', { size: 2 ** 63 }],
    ['half a byte', { size: 1.5 }],
    ['a size as text', { size: '1073741824' }],
    ['no name', { name: '' }],
    ['a newline in the name', { name: 'a\nb' }],
    ['a name that is too long', { name: 'x'.repeat(201) }],
    ['an offering that is no id', { disk_offering_id: '../../etc' }],
    ['a zone that is missing', { zone_id: undefined }],
    ['metadata that is no text', { metadata: { a: 1 } }],
    ['an unknown field', { colour: 'red' }],
  ])('POST /volumes with %s: 400, nothing is made', async (_what, change) => {
    await refusal('INVALID_REQUEST', ask('POST /api/v1/volumes', { ...volume(), ...change }));
  });

  test('a quote, a percent sign and a tilde in the name arrive as they are', async () => {
    const name = `O'Hara "web" 100% ~*(1)`;
    const made = await volumes.done(volumes.createVolume({ ...volume(), name }, { signal }));
    expect(made.response?.['name']).toBe(`${name}-${made.id}`);
  });

  test('a size that CloudStack does not give, an offering it does not know: failed with its words', async () => {
    await expect(
      volumes.done(volumes.createVolume({ ...volume(), size: 1025 * gib }, { signal })),
    ).rejects.toMatchObject({
      code: 'CLOUD_REFUSED',
      reason: expect.stringContaining('1025 GB is out of allowed range') as string,
    });
    const unknown = volumes.createVolume({ ...volume(), disk_offering_id: unknownId }, { signal });
    await expect(volumes.done(unknown)).rejects.toMatchObject({ code: 'CLOUD_REFUSED' });
  });

  test.each<[ErrorCode, string, unknown?]>([
    ['INVALID_REQUEST', 'POST /api/v1/volumes/not-an-id/attach', { vm_id: unknownId }],
    ['INVALID_REQUEST', `POST /api/v1/volumes/${unknownId}/attach`, {}],
    ['INVALID_REQUEST', `POST /api/v1/volumes/${unknownId}/attach`, { vm_id: 7 }],
    ['INVALID_REQUEST', `POST /api/v1/volumes/${unknownId}/attach-root`, { vm_id: '' }],
    ['NOT_FOUND', `POST /api/v1/volumes/${unknownId}/detach`],
    ['NOT_FOUND', `DELETE /api/v1/volumes/${unknownId}`],
    ['INVALID_REQUEST', `DELETE /api/v1/volumes/${unknownId}?force=1`],
    ['INVALID_REQUEST', 'POST /api/v1/cleanup/test-failover', { test_vm_id: unknownId }],
    [
      'INVALID_REQUEST',
      'POST /api/v1/cleanup/test-failover',
      { test_vm_id: unknownId, volume_id: unknownId, oma_vm_id: unknownId },
    ],
    ['NOT_FOUND', `GET /api/v1/volumes/${unknownId}`],
    ['MAPPING_NOT_FOUND', `GET /api/v1/volumes/${unknownId}/device`],
    ['MAPPING_NOT_FOUND', 'GET /api/v1/devices/vdzz/volume'],
    ['INVALID_REQUEST', 'GET /api/v1/devices/..%2F..%2Fetc%2Fpasswd/volume'],
    ['INVALID_REQUEST', 'GET /api/v1/devices/%2Fdev%2F..%2Fsda/volume'],
    ['INVALID_REQUEST', 'GET /api/v1/devices/vd%00b/volume'],
    ['NOT_FOUND', `GET /api/v1/vms/${unknownId}/volumes`],
    ['NOT_FOUND', `GET /api/v1/operations/${unknownId}`],
    ['INVALID_REQUEST', 'GET /api/v1/operations?type=explode'],
    ['INVALID_REQUEST', 'GET /api/v1/operations?since=yesterday'],
    ['INVALID_REQUEST', 'POST /api/v1/admin/force-sync', { hard: true }],
    ['NOT_FOUND', `DELETE /api/v1/exports/${unknownId}`],
    ['INVALID_REQUEST', 'GET /api/v1/preflight'],
    ['NOT_FOUND', `GET /api/v1/preflight?vm_id=${unknownId}`],
    ['NOT_FOUND', `POST /api/v1/operations/${unknownId}/resume`],
    ['METHOD_NOT_ALLOWED', `PUT /api/v1/volumes/${unknownId}`],
  ])('%s for %s', async (code, call, body) => {
    await refusal(code, ask(call, body));
  });

  test('a volume that CloudStack does not know: the operation fails with NOT_FOUND', async () => {
    await expect(
      volumes.done(volumes.attachVolume(unknownId, volumes.site.oma_vm_id, { signal })),
    ).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test.each(['', 'a b', 'ümlaut', 'x'.repeat(201)])('the Idempotency-Key "%s" is refused', async (key) => {
    const headers = { 'idempotency-key': Buffer.from(key, 'utf8').toString('latin1') };
    await refusal('INVALID_REQUEST', ask('POST /api/v1/admin/force-sync', {}, headers));
  });

  test('too much is 413, another type 415, no token 401, a foreign Host or Origin 403', async () => {
    const large = JSON.stringify({ ...volume(), metadata: { a: 'x'.repeat(2 * 1024 ** 2) } });
    await refusal('PAYLOAD_TOO_LARGE', ask('POST /api/v1/volumes', large));
    await refusal('UNSUPPORTED_MEDIA_TYPE', ask('POST /api/v1/volumes', '<v/>', { 'content-type': 'application/xml' }));
    await refusal('UNAUTHORIZED', ask('POST /api/v1/volumes', volume(), { authorization: 'Bearer no' }));
    await refusal('FORBIDDEN', ask('POST /api/v1/volumes', volume(), { host: 'evil.example' }));
    await refusal('FORBIDDEN', ask('POST /api/v1/volumes', volume(), { origin: 'https://evil.example' }));
  });
});
