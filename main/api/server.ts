import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import staticFiles from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Endpoint, NameIn, Table } from '../../shared/contract/endpoint.ts';
import { listEvents } from '../../shared/contract/events.ts';
import { getMetrics, type Metrics } from '../../shared/contract/metrics.ts';
import { AppError, asAppError, catalogue, toErrorBody } from '../../shared/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Dispatch } from '../usecases/dispatch.ts';
import { type Auth, createAuth } from './auth.ts';
import { type Follow, streamEvents } from './event-stream.ts';
import { prefersText, prometheusText, prometheusType } from './prometheus.ts';
import { bodyLimitBytes, refuseTooLarge } from './too-large.ts';

export type ApiOptions<T extends Table> = {
  readonly table: T;
  readonly dispatch: Dispatch<NameIn<T>>;
  /** The OpenAPI document of the table. */
  readonly document: object;
  /** Looks at every request of an endpoint before it is answered. */
  readonly check?: (request: FastifyRequest, row: Endpoint) => void;
  /** What the feed of events is followed with, where the table has one. */
  readonly follow?: Follow;
  /** 0 takes a free one. */
  readonly port: number;
  readonly token: string;
  /** The built pages, and the sign-in of a browser; without them only the API is served. */
  readonly pagesDir?: string;
  readonly clock: Clock;
  readonly log: Log;
};

export type Api = {
  readonly port: number;
  readonly url: string;
  /** An address that signs a browser in once. */
  signInUrl(): string;
  close(): Promise<void>;
};

/** Beside the table: they describe it, or come before it. */
const openApiPath = '/api/v1/openapi.json';
const sessionPath = '/api/v1/session';

const pagePolicy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export async function startApi<T extends Table>(options: ApiOptions<T>): Promise<Api> {
  const stop = new AbortController();
  const server = fastify({
    bodyLimit: bodyLimitBytes,
    forceCloseConnections: true,
    routerOptions: { ignoreTrailingSlash: false },
    clientErrorHandler: refuseGarbage,
    // What fails before a route is found, such as an address that cannot be decoded.
    frameworkErrors: (thrown, _request, reply) => {
      void sendError(reply, translate(thrown), options.log);
    },
  });
  // Only JSON is understood; the built-in parser for text would hand a string to the usecases.
  server.removeContentTypeParser('text/plain');
  let port = options.port;
  const auth = createAuth({ token: options.token, port: () => port, clock: options.clock });

  server.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'content-security-policy': pagePolicy,
    });
    auth.checkOrigin(request);
    await Promise.resolve();
  });
  refuseTooLarge(server);
  server.setErrorHandler((thrown, _request, reply) => sendError(reply, translate(thrown), options.log));
  server.setNotFoundHandler((request, reply) => sendError(reply, notFound(request, options.table), options.log));
  bindEndpoints(server, options, { auth, stop: stop.signal });
  server.get(openApiPath, (request) => {
    auth.identify(request);
    return options.document;
  });
  if (options.pagesDir !== undefined) await bindPages(server, auth, options.pagesDir);
  port = await listen(server, options.port);
  const url = `http://127.0.0.1:${String(port)}`;
  return {
    port,
    url,
    signInUrl: () => `${url}/#code=${auth.issueCode()}`,
    close: async () => {
      stop.abort();
      await server.close();
    },
  };
}

async function listen(server: FastifyInstance, wanted: number): Promise<number> {
  try {
    await server.listen({ host: '127.0.0.1', port: wanted });
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRINUSE') throw error;
    throw new AppError('PORT_IN_USE', `Port ${String(wanted)} on 127.0.0.1 is taken.`, { port: wanted });
  }
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return address.port;
}

type Bound = { readonly auth: Auth; readonly stop: AbortSignal };

function bindEndpoints<T extends Table>(server: FastifyInstance, options: ApiOptions<T>, { auth, stop }: Bound): void {
  const { follow } = options;
  for (const [name, row] of Object.entries(options.table) as [NameIn<T>, Endpoint][]) {
    server.route({
      method: row.method,
      url: row.path,
      handler: async (request, reply) => {
        const actor = row.open === true ? 'anybody' : auth.identify(request);
        options.check?.(request, row);
        if (follow !== undefined && row.id === listEvents.id && request.headers.accept === 'text/event-stream') {
          await streamEvents(request, reply, { follow, after: afterOf(request), stop, clock: options.clock });
          return reply;
        }
        const input = { params: request.params, query: request.query, body: request.body ?? undefined };
        const key = request.headers['idempotency-key'];
        const idempotencyKey = typeof key === 'string' ? key : undefined;
        const answer = await options.dispatch(name, input, { signal: stop, actor, idempotencyKey });
        reply.status(row.status);
        if (row.id === getMetrics.id && prefersText(request.headers.accept)) {
          reply.header('content-type', prometheusType);
          return prometheusText(answer as Metrics);
        }
        return answer;
      },
    });
  }
}

function afterOf(request: FastifyRequest): number {
  const result = listEvents.query.safeParse(request.query);
  if (!result.success) throw new AppError('INVALID_REQUEST', 'query.after: a seq is a whole number from 0 on');
  return result.data.after;
}

async function bindPages(server: FastifyInstance, auth: Auth, dir: string): Promise<void> {
  bindSession(server, auth);
  if (existsSync(join(dir, 'index.html'))) await server.register(staticFiles, { root: dir, wildcard: false });
}

function bindSession(server: FastifyInstance, auth: Auth): void {
  server.post(sessionPath, async (request, reply) => {
    const { body } = request;
    const code = typeof body === 'object' && body !== null ? (body as { code?: unknown }).code : undefined;
    if (typeof code !== 'string') throw new AppError('INVALID_REQUEST', 'body.code: expected text');
    const { cookie } = auth.exchange(code);
    reply.status(201).header('set-cookie', cookie);
    return { signed_in: true };
  });
}

/** A known path with another method is 405, anything else 404. */
function notFound(request: FastifyRequest, table: Table): AppError {
  const path = request.url.split('?')[0] ?? '';
  const served = [...Object.values(table).map((row) => row.path), openApiPath, sessionPath];
  const known = served.some((row) => new RegExp(`^${row.replaceAll(/:\w+/g, '[^/]+')}$`).test(path));
  return known ? new AppError('METHOD_NOT_ALLOWED', `${request.method} ${path}`) : new AppError('NOT_FOUND', path);
}

function translate(thrown: unknown): AppError {
  const status = (thrown as { statusCode?: number }).statusCode;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (thrown instanceof AppError) return thrown;
  if (status === 413) return new AppError('PAYLOAD_TOO_LARGE', message);
  if (status === 415) return new AppError('UNSUPPORTED_MEDIA_TYPE', message);
  if (status !== undefined && status >= 400 && status < 500) return new AppError('INVALID_REQUEST', message);
  return asAppError(thrown);
}

/** What is no HTTP at all gets the same document. */
function refuseGarbage(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy(error);
    return;
  }
  const body = JSON.stringify(toErrorBody(new AppError('INVALID_REQUEST', `This is not HTTP: ${error.message}`)));
  const head = `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: ${String(Buffer.byteLength(body))}\r\nconnection: close`;
  socket.end(`${head}\r\n\r\n${body}`);
}

function sendError(reply: FastifyReply, error: AppError, log: Log): FastifyReply {
  if (error.code === 'INTERNAL') log.error('a request met an unknown condition', { error: error.cause ?? error });
  return reply.status(catalogue[error.code].status).send(toErrorBody(error));
}
