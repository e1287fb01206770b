import { afterAll, beforeAll, expect, test } from 'vitest';
import { endpoints } from '../../shared/contract/all.ts';
import type { Endpoint } from '../../shared/contract/endpoint.ts';
import { errorBody } from '../../shared/contract/fields.ts';
import { type DaemonProcess, startDaemonProcess } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { randomFrom } from '../fixtures/random.ts';

const requests = 10_000;
const atOnce = 16;
const seed = Number(process.env['OSSEA_SEED'] ?? Date.now() % 1_000_000);

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const words = [
  '01a20c8a-127c-70cf-87c5-d779238abe44',
  ...['', '0', '-1', '9223372036854775808', 'null', 'true', '../..', '%2e%2e%2f', '%00', "'; DROP TABLE runs; --"],
  ...[
    '{}',
    '[]',
    'ü',
    '\u{1f4be}',
    'a\nb',
    '__proto__',
    'constructor',
    '/dev/vdb',
    'completed',
    'attach',
    '2026-01-01T00:00:00Z',
  ],
];

function fuzzer(random: () => number) {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const value = (depth = 0): unknown => {
    const kind = random();
    if (kind < 0.35) return pick(words);
    if (kind < 0.55) return pick([0, -1, 1, 0.5, 2 ** 53, 2 ** 63, 1e308]);
    if (kind < 0.65) return pick([true, false, null]);
    if (depth > 3) return 'deep';
    if (kind < 0.8) return Array.from({ length: Math.floor(random() * 4) }, () => value(depth + 1));
    return object(depth + 1);
  };
  const names = [
    'vm_id',
    'name',
    'size',
    'zone_id',
    'disk_offering_id',
    'metadata',
    'confirm',
    'limit',
    'after',
    '__proto__',
    'x',
  ];
  const object = (depth: number): Record<string, unknown> =>
    Object.fromEntries(Array.from({ length: Math.floor(random() * 5) }, () => [pick(names), value(depth)]));
  return { pick, value, object };
}

test(`${requests} fuzzed requests (OSSEA_SEED=${seed}): each refusal is a document of the catalogue, none is 500`, async () => {
  const random = randomFrom(seed);
  const { pick, value, object } = fuzzer(random);
  // The stream would never end, and a change of the settings would change what the others meet.
  const rows = Object.values<Endpoint>(endpoints).filter(({ id }) => id !== 'settings.change');
  const statuses = new Map<number, number>();
  const one = async (): Promise<void> => {
    const row = pick(rows);
    const path = row.path.replaceAll(/:\w+/g, () => encodeURIComponent(pick(words)) || '-');
    const query =
      random() < 0.5
        ? ''
        : `?${new URLSearchParams(Object.entries(object(0)).map(([k, v]) => [k, String(v)])).toString()}`;
    const hasBody = row.method !== 'GET' && random() < 0.8;
    const body = random() < 0.1 ? '{"broken' : JSON.stringify(random() < 0.7 ? object(0) : value());
    const headers: Record<string, string> = { authorization: `Bearer ${daemon.token}` };
    if (hasBody) headers['content-type'] = random() < 0.95 ? 'application/json' : 'text/csv';
    if (random() < 0.1) headers['idempotency-key'] = encodeURIComponent(pick(words)) || 'k';
    const answer = await fetch(`${daemon.url}${path}${query}`, {
      method: row.method,
      headers,
      ...(hasBody ? { body } : {}),
    });
    const text = await answer.text();
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    const about = `${row.method} ${path}${query} ${hasBody ? body : ''} -> ${answer.status} ${text.slice(0, 300)}`;
    expect(answer.status, about).not.toBe(500);
    if (!answer.ok) expect(() => errorBody.parse(JSON.parse(text)), about).not.toThrow();
  };
  let left = requests;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; left > 0; left -= 1) await one();
    }),
  );
  console.log(Object.fromEntries([...statuses].sort()));
  // It was no exercise in being refused at the door: every kind of refusal was met.
  for (const status of [200, 400, 404, 415]) expect(statuses.get(status) ?? 0).toBeGreaterThan(10);
  expect((await fetch(`${daemon.url}/health`)).status).toBe(200);
});
