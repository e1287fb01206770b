import { timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { AppError, asAppError, catalogue, toErrorBody } from '../../shared/errors.ts';
import type { ApiRequest } from './cloudstack/api.ts';
import type { ApiOutcome } from './cloudstack/forced-reply.ts';
import type { ControlRequest } from './control/act.ts';
import type { Log } from './log.ts';
import { closeServer, listenOnLoopback } from './loopback.ts';

export type LabServer = { readonly port: number; close(): Promise<void> };

type ServerOptions = {
  readonly port: number;
  readonly controlToken: string;
  readonly nowMs: () => number;
  readonly api: (request: ApiRequest) => Promise<ApiOutcome>;
  readonly control: (request: ControlRequest) => Promise<object>;
  readonly log: Log;
};

const MAX_BODY_BYTES = 1024 * 1024;
const CONTROL = '/lab/v1/';

/** One port for CloudStack's API and the lab's own control; loopback only. */
export async function startServer(options: ServerOptions): Promise<LabServer> {
  const server = createServer((request, response) => {
    handle(options, request, response).catch((error: unknown) => {
      options.log('error', 'A request of the lab failed', { url: request.url, error: String(error) });
      response.destroy();
    });
  });
  const port = await listenOnLoopback(server, options.port);
  return {
    port,
    close: async () => {
      await closeServer(server);
    },
  };
}

async function handle(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  response.setHeader('Date', new Date(options.nowMs()).toUTCString());
  if (url.pathname.startsWith(CONTROL)) {
    await handleControl(options, url.pathname.slice(CONTROL.length), { request, response });
    return;
  }
  const method = request.method ?? '';
  if (url.pathname !== '/client/api' || (method !== 'GET' && method !== 'POST')) {
    response.writeHead(url.pathname === '/client/api' ? 405 : 404).end();
    return;
  }
  const body = method === 'POST' ? await readBody(request) : '';
  const outcome = await options.api({ method, query: url.search.slice(1), body });
  if (outcome === 'cut') response.destroy();
  else response.writeHead(outcome.status, outcome.headers).end(outcome.body);
}

async function handleControl(
  options: ServerOptions,
  path: string,
  { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
): Promise<void> {
  const reply = (status: number, content: object): void => {
    response.writeHead(status, { 'Content-Type': 'application/json; charset=UTF-8' }).end(JSON.stringify(content));
  };
  try {
    const expected = Buffer.from(`Bearer ${options.controlToken}`);
    const given = Buffer.from(request.headers.authorization ?? '');
    if (expected.length !== given.length || !timingSafeEqual(expected, given)) throw new AppError('UNAUTHORIZED');
    const body = parseBody(await readBody(request));
    reply(200, await options.control({ method: request.method ?? '', path, body }));
  } catch (error) {
    const known = asAppError(error);
    if (known.code === 'INTERNAL') options.log('error', 'A control request failed', { path, error: known.stack });
    reply(catalogue[known.code].status, toErrorBody(known));
  }
}

function parseBody(text: string): Readonly<Record<string, unknown>> {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch (error) {
    throw new AppError('INVALID_REQUEST', 'The body is not JSON.', undefined, { cause: error });
  }
  throw new AppError('INVALID_REQUEST', 'The body must be a JSON object.');
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new AppError('PAYLOAD_TOO_LARGE');
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}
