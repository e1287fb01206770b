import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpTransport, type Fetch, signIn } from '../../shared/client/http-transport.ts';

const headers = { 'X-OSSEA-Console': '1' };
const transportOver = (fetch: Fetch) => createHttpTransport({ origin: '', headers, fetch });

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A real server on a free port; the page's same-origin addresses are put before it. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const origin = `http://127.0.0.1:${String(port)}`;
  return {
    fetch: ((url, init) => fetch(`${origin}${url}`, init)) satisfies Fetch,
    close: () => server.closeAllConnections(),
  };
}
const { signal } = new AbortController();

describe('the HTTP transport', () => {
  it('fills path and query, and marks the request as its own', async () => {
    const seen: string[] = [];
    const { fetch } = await serve((request, response) => {
      seen.push(`${request.method ?? ''} ${request.url ?? ''} ${String(request.headers['x-ossea-console'])}`);
      response.end('{"migrations":[]}');
    });
    const transport = transportOver(fetch);
    await transport.call('listMigrations', { query: { status: 'running', limit: 5 } }, { signal });
    await transport.call('getMigration', { params: { id: 'a/b' } }, { signal });
    expect(seen).toEqual(['GET /api/v1/migrations?status=running&limit=5 1', 'GET /api/v1/migrations/a%2Fb 1']);
  });

  it('gives the error of the daemon back as it was', async () => {
    const { fetch } = await serve((_request, response) => {
      response.statusCode = 409;
      response.end(JSON.stringify({ error: 'x', code: 'VM_ACTIVE', cause: 'job 7', remedy: 'y', details: { job: 7 } }));
    });
    const call = transportOver(fetch).call('createMigration', { body: {} }, { signal });
    await expect(call).rejects.toMatchObject({ code: 'VM_ACTIVE', reason: 'job 7', details: { job: 7 } });
  });

  it('ends a feed that is still being opened when its subscriber goes away', async () => {
    const { fetch } = await serve(() => undefined);
    const leaving = new AbortController();
    const feed = transportOver(fetch).feed(0, () => undefined, { signal: leaving.signal });
    leaving.abort();
    await expect(feed).resolves.toBeUndefined();
  });

  it('says that the daemon does not answer when it does not, or something else does', async () => {
    const nobody = transportOver(() => Promise.reject(new TypeError('Failed to fetch')));
    await expect(nobody.call('getHealth', {}, { signal })).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
    const { fetch } = await serve((_request, response) => {
      response.statusCode = 502;
      response.end('<html>bad gateway</html>');
    });
    const call = transportOver(fetch).call('getHealth', {}, { signal });
    await expect(call).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
  });

  it('delivers every message of the stream, however it is cut, and rejects when it breaks', async () => {
    let cut = (): void => undefined;
    const server = await serve((_request, response) => {
      response.write(': hello\n\ndata: {"n":1}\n\nda');
      response.write('ta: {"n":');
      response.write('2}\n\n');
      cut = () => response.destroy();
    });
    const got: unknown[] = [];
    const feed = transportOver(server.fetch).feed(
      0,
      (message) => {
        got.push(message);
        if (got.length === 2) cut();
      },
      { signal },
    );
    await expect(feed).rejects.toMatchObject({ code: 'DAEMON_UNREACHABLE' });
    expect(got).toEqual([{ n: 1 }, { n: 2 }]);
  });

  it('resolves when the page ends the feed itself', async () => {
    const controller = new AbortController();
    const { fetch } = await serve((_request, response) => {
      response.write('data: {"n":1}\n\n');
    });
    await transportOver(fetch).feed(0, () => controller.abort(), { signal: controller.signal });
  });

  it('exchanges the one-time code with a POST', async () => {
    let body = '';
    const { fetch } = await serve((request, response) => {
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => {
        response.statusCode = 201;
        response.end();
      });
    });
    await signIn({ origin: '', headers, fetch }, 'once', signal);
    expect(JSON.parse(body)).toEqual({ code: 'once' });
  });
});
