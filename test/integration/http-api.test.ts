import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { endpoints } from '../../shared/contract/all.ts';
import type { Endpoint } from '../../shared/contract/endpoint.ts';
import type { FeedMessage } from '../../shared/contract/events.ts';
import { errorBody } from '../../shared/contract/fields.ts';
import { catalogue, type ErrorCode } from '../../shared/errors.ts';
import { type DaemonProcess, startDaemonProcess, startMigration, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { type Answer, type Sent, sendRaw } from '../fixtures/raw-request.ts';
import { migrate } from '../fixtures/steer.ts';

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir, settings: { headroom_gib: 0 } });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const send = (path: string, sent: Sent = {}): Promise<Answer> => sendRaw(daemon.url, path, sent);

const bearer = (): Record<string, string> => ({ authorization: `Bearer ${daemon.token}` });
const json = (): Record<string, string> => ({ ...bearer(), 'content-type': 'application/json' });

/** The status and the document of the catalogue, with a remedy and without a secret. */
function expectRefused(answer: Answer, code: ErrorCode): void {
  const body = errorBody.parse(JSON.parse(answer.text));
  expect(body.code).toBe(code);
  expect(answer.status).toBe(catalogue[code].status);
  expect(body.remedy).toBe(catalogue[code].remedy);
  expect(answer.text).not.toContain(daemon.token);
}

const unknownId = '01a20c8a-127c-70cf-87c5-d779238abe44';

describe('who may ask', () => {
  test('without a token 401, everywhere but at /health', async () => {
    for (const row of Object.values<Endpoint>(endpoints)) {
      const answer = await send(row.path.replace(/:\w+/, unknownId), { method: row.method });
      if (row.open === true) expect(answer.status).toBe(row.status);
      else expectRefused(answer, 'UNAUTHORIZED');
    }
    expectRefused(await send('/api/v1/openapi.json'), 'UNAUTHORIZED');
  });

  test.each(['Bearer wrong', 'Bearer ', 'Basic eDp5', 'Bearer', 'bearer'])('%s: 401', async (authorization) => {
    expectRefused(await send('/api/v1/migrations', { headers: { authorization } }), 'UNAUTHORIZED');
  });

  test.each([
    ['Host', { host: 'evil.example' }],
    ['Host', { host: 'evil.example:80' }],
    ['Host', { host: '127.0.0.1:1' }],
    ['Origin', { origin: 'https://evil.example' }],
    ['Origin', { origin: 'null' }],
  ])('a foreign %s is 403, even with the token: %o', async (_name, headers) => {
    expectRefused(await send('/api/v1/migrations', { headers: { ...bearer(), ...headers } }), 'FORBIDDEN');
    expectRefused(await send('/health', { headers }), 'FORBIDDEN');
  });

  test('a browser: the code of the printed address works once, the cookie needs our header', async () => {
    const code = new URL(daemon.signInUrl).hash.replace('#code=', '');
    const headers = { 'content-type': 'application/json' };
    const signIn = (body: unknown) => send('/api/v1/session', { method: 'POST', headers, body: JSON.stringify(body) });
    expectRefused(await signIn({ code: 'wrong' }), 'UNAUTHORIZED');
    expectRefused(await signIn({}), 'INVALID_REQUEST');
    expectRefused(await signIn(null), 'INVALID_REQUEST');
    const signedIn = await signIn({ code });
    expect(signedIn.status).toBe(201);
    const [cookie] = signedIn.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/);
    expectRefused(await signIn({ code }), 'UNAUTHORIZED');
    const session = { cookie: cookie?.split(';')[0] ?? '' };
    expectRefused(await send('/api/v1/migrations', { headers: session }), 'FORBIDDEN');
    const ours = { ...session, 'x-ossea-console': '1' };
    expect((await send('/api/v1/migrations', { headers: ours })).status).toBe(200);
    expectRefused(
      await send('/api/v1/migrations', { headers: { ...ours, origin: 'https://evil.example' } }),
      'FORBIDDEN',
    );
  });
});

describe('what is asked wrongly is told with the error document', () => {
  test.each<[ErrorCode, string, Sent]>([
    ['NOT_FOUND', '/api/v1/nothing', {}],
    ['NOT_FOUND', '/api/v2/migrations', {}],
    ['NOT_FOUND', `/api/v1/migrations/${unknownId}`, {}],
    ['NOT_FOUND', `/api/v1/operations/${unknownId}`, {}],
    ['NOT_FOUND', `/api/v1/migrations/${unknownId}/cancel`, { method: 'POST' }],
    ['NOT_FOUND', `/api/v1/migrations/${unknownId}/resume`, { method: 'POST' }],
    ['METHOD_NOT_ALLOWED', '/api/v1/migrations', { method: 'PATCH' }],
    ['METHOD_NOT_ALLOWED', `/api/v1/migrations/${unknownId}/cancel`, {}],
    ['METHOD_NOT_ALLOWED', '/health', { method: 'DELETE' }],
    ['METHOD_NOT_ALLOWED', '/api/v1/openapi.json', { method: 'POST' }],
    ['METHOD_NOT_ALLOWED', '/api/v1/session', {}],
    ['INVALID_REQUEST', '/api/v1/migrations/not-an-id', {}],
    ['INVALID_REQUEST', '/api/v1/migrations?limit=0', {}],
    ['INVALID_REQUEST', '/api/v1/migrations?limit=x', {}],
    ['INVALID_REQUEST', '/api/v1/migrations?status=sleeping', {}],
    ['INVALID_REQUEST', '/api/v1/migrations?unknown=1', {}],
    ['INVALID_REQUEST', '/api/v1/events?after=-1', {}],
    ['INVALID_REQUEST', '/api/v1/migrations/%E0%A4%A', {}],
  ])('%s for %s %o', async (code, path, sent) => {
    expectRefused(await send(path, { ...sent, headers: bearer() }), code);
  });

  test.each<[ErrorCode, string]>([
    ['INVALID_REQUEST', ''],
    ['INVALID_REQUEST', '{'],
    ['INVALID_REQUEST', 'null'],
    ['INVALID_REQUEST', '[]'],
    ['INVALID_REQUEST', '{}'],
    ['INVALID_REQUEST', '{"vm_id":7}'],
    ['INVALID_REQUEST', `{"vm_id":"${unknownId}","more":1}`],
    ['INVALID_REQUEST', '{"__proto__":{"vm_id":"x"}}'],
    ['NOT_FOUND', `{"vm_id":"${unknownId}"}`],
  ])('%s for the body %s', async (code, body) => {
    expectRefused(await send('/api/v1/migrations', { method: 'POST', headers: json(), body }), code);
  });

  test('a body that is too large is 413, one that is no JSON is 415', async () => {
    const large = { method: 'POST', headers: json(), body: JSON.stringify({ vm_id: 'x'.repeat(2 * 1024 ** 2) }) };
    expectRefused(await send('/api/v1/migrations', large), 'PAYLOAD_TOO_LARGE');
    for (const type of ['text/plain', 'application/xml', 'multipart/form-data; boundary=x']) {
      const odd = { method: 'POST', headers: { ...bearer(), 'content-type': type }, body: '{}' };
      expectRefused(await send('/api/v1/migrations', odd), 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  test.each([
    '/../endpoint.json',
    '/..%2fendpoint.json',
    '/%2e%2e/%2e%2e/endpoint.json',
    '/assets/../../ossea.cjs',
    '/assets/..%5c..%5cossea.cjs',
    '//etc/passwd',
    '/..%00/ossea.cjs',
    '/%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  ])('no way out of the pages: %s', async (path) => {
    const answer = await send(path);
    expect([400, 403, 404]).toContain(answer.status);
    errorBody.parse(JSON.parse(answer.text));
  });

  test('what is no HTTP at all', async () => {
    const socket = connect(Number(new URL(daemon.url).port), '127.0.0.1');
    socket.end('NBDMAGICIHAVEOPT\r\n\r\n');
    const [head, body] = (await text(socket)).split('\r\n\r\n');
    expect(head).toContain('400');
    expectRefused({ status: 400, headers: {}, text: body ?? '' }, 'INVALID_REQUEST');
  });

  test('every answer says nosniff, no-referrer and the content policy', async () => {
    for (const path of ['/', '/health', '/api/v1/nothing']) {
      expect((await send(path)).headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'content-security-policy': expect.stringContaining("default-src 'none'") as string,
      });
    }
  });
});

test('the OpenAPI document lists exactly the endpoints of the table, with their errors', async () => {
  const document = JSON.parse((await send('/api/v1/openapi.json', { headers: bearer() })).text) as {
    paths: Record<string, Record<string, { operationId: string; responses: Record<string, unknown> }>>;
  };
  const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, row]) => `${method} ${path} ${row.operationId}`),
  );
  const table = Object.values<Endpoint>(endpoints);
  const expected = table.map(
    (row) => `${row.method.toLowerCase()} ${row.path.replaceAll(/:(\w+)/g, '{$1}')} ${row.id}`,
  );
  expect(listed.sort()).toEqual(expected.sort());
  for (const row of table) {
    const described = document.paths[row.path.replaceAll(/:(\w+)/g, '{$1}')]?.[row.method.toLowerCase()];
    const statuses = row.errors.map((code) => String(catalogue[code].status));
    expect(Object.keys(described?.responses ?? {})).toEqual(expect.arrayContaining([String(row.status), ...statuses]));
  }
});

describe('the feed', () => {
  /** Reads until `enough`, then hangs up. */
  async function follow(after: number, enough: (message: FeedMessage) => boolean): Promise<FeedMessage[]> {
    const seen: FeedMessage[] = [];
    const hangUp = new AbortController();
    await daemon.client.feed(
      after,
      (message) => {
        if (hangUp.signal.aborted) return;
        seen.push(message);
        if (enough(message)) hangUp.abort();
      },
      { signal: AbortSignal.any([hangUp.signal, testSignal()]) },
    );
    return seen;
  }
  const seqs = (messages: readonly FeedMessage[]): number[] =>
    messages.flatMap((message) => (message.kind === 'event' ? [message.event.seq] : []));
  const newest = async (): Promise<number> =>
    (await daemon.client.call('listEvents', { query: { limit: 1 } }, { signal: testSignal() })).newest_seq;

  test('has no gap and no repetition over reconnects and a restart of the daemon', async () => {
    const start = await newest();
    const id = await startMigration(daemon, 'odd-01');
    const all: number[] = [];
    let after = start;
    for (let part = 0; part < 6; part += 1) {
      let count = 0;
      const got = seqs(await follow(after, (message) => message.kind === 'event' && (count += 1) === 4));
      all.push(...got);
      after = all.at(-1) ?? after;
    }
    await daemon.kill('SIGKILL');
    daemon = await startDaemonProcess({ dataDir: dir });
    all.push(
      ...seqs(
        await follow(after, ({ kind, ...rest }) => {
          if (kind !== 'event' || !('event' in rest)) return false;
          const { body } = rest.event;
          return body.type === 'migration.changed' && body.migration.id === id && body.migration.completed_at !== null;
        }),
      ),
    );
    expect(all).toEqual(all.map((_seq, index) => start + 1 + index));
    expect(all.length).toBeGreaterThan(24);
  });

  test('two readers see the same', async () => {
    const start = await newest();
    const ended = (message: FeedMessage): boolean =>
      message.kind === 'event' &&
      message.event.body.type === 'migration.changed' &&
      message.event.body.migration.completed_at !== null;
    const readers = [follow(start, ended), follow(start, ended)];
    await migrate(daemon, 'odd-01');
    const [one, two] = await Promise.all(readers);
    const events = (messages: readonly FeedMessage[] = []) => messages.filter((message) => message.kind === 'event');
    expect(events(one)).toEqual(events(two));
  });

  test('a seq of the future, as after a restored backup, is answered with resync', async () => {
    const now = await newest();
    const [message] = await follow(now + 1000, () => true);
    expect(message).toEqual({ kind: 'resync', oldest_seq: 1, newest_seq: now });
    const listed = await daemon.client.call('listEvents', { query: { after: now + 1000 } }, { signal: testSignal() });
    expect(listed).toEqual({ resync: true, newest_seq: now, events: [] });
  });
});

test('200 random bad requests: none gives a 500, each a document, and the daemon is well', async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  console.log(`seed ${String(seed)}`);
  const random = seeded(seed);
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T;
  const paths = [
    ...Object.values<Endpoint>(endpoints).map((row) => row.path),
    '/api/v1/session',
    '/api/v1/openapi.json',
  ];
  const pieces = ['', '/', '%', '%00', '%2e%2e', '?', '?limit=', '?after=1e99', '?status=%FF', '🐘', "'", '"', ';--'];
  const bodies = [
    '',
    '{',
    '{"vm_id":',
    '[[[[',
    'null',
    '"x"',
    '{"vm_id":{"a":1}}',
    '{"headroom_gib":-1}',
    '\0\0',
    '1e999',
  ];
  const types = ['application/json', 'text/plain', '', 'application/json; charset=utf-16', 'a/b; q=;'];
  for (let round = 0; round < 200; round += 1) {
    const path =
      encodeURI(pick(paths).replace(/:\w+/, pick([unknownId, 'x', '..', '%', '']))) + encodeURI(pick(pieces));
    const method = pick(['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'HEAD']);
    const headers = pick([bearer(), {}, { authorization: 'Bearer \u00ff' }, { cookie: 'ossea_session=; ;=' }]);
    const type = pick(types);
    const body = method === 'GET' || method === 'HEAD' ? undefined : pick(bodies);
    const sent = {
      method,
      headers: { ...headers, ...(type === '' ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    };
    const answer = await send(path, sent);
    const about = `${method} ${path} ${type} ${String(body)}: ${answer.text}`;
    expect(answer.status, about).toBeLessThan(500);
    if (answer.status >= 400 && method !== 'HEAD')
      expect(errorBody.safeParse(JSON.parse(answer.text)).success, about).toBe(true);
  }
  expect((await send('/api/v1/health', { headers: bearer() })).status).toBe(200);
});

/** mulberry32: small, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
