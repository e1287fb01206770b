import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Endpoint } from '../../../shared/contract/endpoint.ts';
import { errorBody } from '../../../shared/contract/fields.ts';
import { vmaEndpoints } from '../../../shared/contract/vma/all.ts';
import { startDaemonProcess } from '../../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../../fixtures/data-dir.ts';
import { randomFrom } from '../../fixtures/random.ts';
import { sendRaw } from '../../fixtures/raw-request.ts';
import { startVmaProcess, type VmaProcess } from '../../fixtures/vma-process.ts';

const seed = Number(process.env['OSSEA_SEED'] ?? Date.now() % 1_000_000);
const rows = Object.values<Endpoint>(vmaEndpoints);
const someId = '01a20c8a-127c-70cf-87c5-d779238abe44';

let dir: string;
let vma: VmaProcess;
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-vma-door-'));
  vma = await startVmaProcess(dir);
});
afterAll(async () => {
  await vma.stop();
  rmSync(dir, { recursive: true });
});

const pathOf = ({ path }: Endpoint): string => path.replaceAll(/:\w+/g, someId);
const asOma = (): Record<string, string> => ({ authorization: `Bearer ${vma.token}`, 'ossea-protocol': '1' });
const send = async (row: Endpoint, headers: Readonly<Record<string, string>>, body?: unknown) => {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await sendRaw(vma.url, pathOf(row), { method: row.method, headers: { ...headers, ...type }, ...sent });
  return { status: answer.status, document: JSON.parse(answer.text) as { code?: string; details?: unknown } };
};

describe('who may ask', () => {
  test('without the token nothing is answered but that it is alive', async () => {
    for (const row of rows) {
      const { status, document } = await send(row, { 'ossea-protocol': '1' });
      if (row.open === true) expect(status).toBe(200);
      else expect([row.id, status, document.code]).toEqual([row.id, 401, 'UNAUTHORIZED']);
    }
  });

  test('another token, and a page of another origin, are refused', async () => {
    const health = vmaEndpoints.getVmaHealth;
    expect(await send(health, { authorization: `Bearer ${'x'.repeat(43)}` })).toMatchObject({ status: 401 });
    expect(await send(health, { ...asOma(), origin: 'http://evil.example' })).toMatchObject({ status: 403 });
  });

  test('the token is in a file for this user alone, and survives a restart; the address is in endpoint.json', async () => {
    const before = vma.token;
    expect(statSync(join(dir, 'token')).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(join(dir, 'endpoint.json'), 'utf8'))).toMatchObject({ url: vma.url, role: 'vma' });
    await vma.stop();
    vma = await startVmaProcess(dir);
    expect(vma.token).toBe(before);
  });
});

describe('which protocol is spoken', () => {
  test.each(['0', '2', '99', 'one', '-1', ''])(
    'protocol "%s" is refused by every endpoint, with what is served',
    async (spoken) => {
      for (const row of rows.filter(({ open }) => open !== true)) {
        const { status, document } = await send(row, { ...asOma(), 'ossea-protocol': spoken });
        expect([row.id, status, document.code]).toEqual([row.id, 409, 'PROTOCOL_MISMATCH']);
        expect(document.details).toMatchObject({ current: 1, oldest: 1, asked: spoken });
      }
    },
  );

  test('who says nothing may read, and change nothing of a job, a VM or a snapshot', async () => {
    const headers = { authorization: `Bearer ${vma.token}` };
    expect(await send(vmaEndpoints.getVmaHealth, headers)).toMatchObject({ status: 200 });
    for (const row of rows.filter(({ handshake }) => handshake === true)) {
      expect(await send(row, headers)).toMatchObject({ status: 409, document: { code: 'PROTOCOL_MISMATCH' } });
    }
    expect(rows.filter(({ handshake }) => handshake === true).length).toBeGreaterThan(9);
  });
});

test('what is not there is a real 404, in every endpoint that names something', async () => {
  const asks: readonly (readonly [Endpoint, unknown?])[] = [
    [vmaEndpoints.getJobStatus],
    [vmaEndpoints.getJobProgress],
    [vmaEndpoints.openGate, { disk_key: 2000, attempt: 1 }],
    [vmaEndpoints.cancelJob, { job_id: someId }],
    [vmaEndpoints.getHash],
    [vmaEndpoints.stopHash],
    [vmaEndpoints.getPowerState],
    [vmaEndpoints.powerOn, {}],
    [vmaEndpoints.powerOff, { mode: 'guest' }],
    [vmaEndpoints.getChangeTracking],
    [vmaEndpoints.getCopyMethod],
    [vmaEndpoints.freezeVm, { id: someId, quiesce: true }],
    [vmaEndpoints.thawVm],
    [vmaEndpoints.readDiskState, { disk_key: 2000, snapshot: null }],
    [vmaEndpoints.testSite],
  ];
  for (const [row, body] of asks) {
    const { status, document } = await send(row, asOma(), body);
    expect([row.id, status, document.code]).toEqual([row.id, 404, 'NOT_FOUND']);
  }
  const elsewhere = await sendRaw(vma.url, '/api/v1/volumes', { headers: asOma() });
  expect(elsewhere.status).toBe(404);
  const otherwise = await sendRaw(vma.url, '/api/v1/replicate', { method: 'DELETE', headers: asOma() });
  expect(otherwise.status).toBe(405);
});

test('the OpenAPI document is that of the VMA', async () => {
  const { text } = await sendRaw(vma.url, '/api/v1/openapi.json', { headers: asOma() });
  const { paths } = JSON.parse(text) as { paths: Record<string, Record<string, { tags: string[] }>> };
  const served = rows.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  const told = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(told.sort()).toEqual(served.sort());
  expect(paths['/api/v1/replicate']?.['post']?.tags).toEqual(['VMA']);
});

test(`2,000 requests of nonsense (OSSEA_SEED=${String(seed)}): each is refused with a document, none is 500`, async () => {
  const random = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const words = [someId, '', '0', '-1', 'null', '../..', "'; DROP TABLE x; --", 'ü', '__proto__', 'nbd://h/x', '*'];
  const names = [
    'id',
    'job_id',
    'vm_id',
    'attempt',
    'snapshot',
    'nbd_targets',
    'disk_key',
    'url',
    'chunks',
    'all',
    '__proto__',
  ];
  const value = (depth = 0): unknown => {
    const kind = random();
    if (kind < 0.4) return pick(words);
    if (kind < 0.6) return pick([0, -1, 1, 0.5, 2 ** 53, 1e308, true, null]);
    if (depth > 2) return 'deep';
    if (kind < 0.75) return Array.from({ length: 3 }, () => value(depth + 1));
    return Object.fromEntries(Array.from({ length: 4 }, () => [pick(names), value(depth + 1)]));
  };
  const ask = async (): Promise<void> => {
    const row = pick(rows.filter(({ open }) => open !== true));
    const path = row.path.replaceAll(/:\w+/g, () => encodeURIComponent(pick(words) || 'x'));
    const hasBody = row.method !== 'GET';
    const answer = await sendRaw(vma.url, path, {
      method: row.method,
      headers: { ...asOma(), ...(hasBody ? { 'content-type': 'application/json' } : {}) },
      ...(hasBody ? { body: JSON.stringify(value()) } : {}),
    });
    expect(answer.status, `${row.method} ${path}`).toBeLessThan(500);
    if (answer.status >= 400) errorBody.parse(JSON.parse(answer.text));
  };
  for (let round = 0; round < 250; round += 1) await Promise.all(Array.from({ length: 8 }, ask));
});

describe('a data directory has one use for life', () => {
  test('that of a VMA is no OMA, and that of an OMA no VMA', async () => {
    const other = mkdtempSync(join(tmpdir(), 'ossea-vma-kind-'));
    const lab = newDataDir();
    try {
      await (await startVmaProcess(other)).stop();
      await expect(startDaemonProcess({ dataDir: other })).rejects.toThrow('DATA_DIR_KIND');
      await (await startDaemonProcess({ dataDir: lab })).stop();
      await expect(startVmaProcess(lab)).rejects.toThrow('DATA_DIR_KIND');
      await (await startVmaProcess(other)).stop();
    } finally {
      rmSync(other, { recursive: true });
      removeDataDir(lab);
    }
  });

  test('and one process at a time', async () => {
    await expect(startVmaProcess(dir)).rejects.toThrow('DATA_DIR_IN_USE');
  });
});
