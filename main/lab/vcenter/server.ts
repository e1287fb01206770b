import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { type ArmedFault, takeFault } from '../faults.ts';
import { closeServer, listenOnLoopback } from '../loopback.ts';
import { pause } from '../pause.ts';
import { answerSoap, refusal, type SoapReply } from './answer-soap.ts';
import type { Certificate } from './certificate.ts';
import type { VcenterContext } from './context.ts';
import { answerFolder } from './folder.ts';
import { answerSnapshotFile, SNAPSHOT_FILES } from './snapshot-files.ts';
import { readRequest, type SoapRequest } from './soap/envelope.ts';
import { VimFault } from './soap/vim-fault.ts';
import { sendSpoiled } from './spoiled-reply.ts';

export type VcenterServer = {
  readonly port: number;
  /** New connections see it; those that are open end, as when the services restart. */
  use(certificate: Certificate): void;
  close(): Promise<void>;
};

type Options = { readonly port: number; readonly certificate: Certificate; readonly context: VcenterContext };

const MAX_BODY_BYTES = 4 * 1024 * 1024;
const COOKIE = 'vmware_soap_session';
const versions =
  '<?xml version="1.0" encoding="UTF-8" ?>\n<namespaces version="1.0"><namespace><name>urn:vim25</name><version>8.0.2.0</version><priorVersions><version>6.5</version><version>7.0</version></priorVersions></namespace></namespaces>\n';

/** HTTPS on loopback: /sdk for SOAP, /folder for files, and a place of our own for the bytes of snapshots. */
export async function startVcenterServer({ port, certificate, context }: Options): Promise<VcenterServer> {
  const stopping = new AbortController();
  const { key, cert } = certificate;
  const server = createServer({ key, cert }, (request, response) => {
    handle(context, { request, response, stopped: stopping.signal }).catch((error: unknown) => {
      if (stopping.signal.aborted || response.destroyed) return;
      context.log('error', 'A request to the vCenter of the lab failed', { url: request.url, error: String(error) });
      response.destroy();
    });
  });
  // A client that keeps its connections does not find them closed between two calls.
  server.keepAliveTimeout = 120_000;
  const listening = await listenOnLoopback(server, port);
  return {
    port: listening,
    use: (renewed) => {
      server.setSecureContext({ key: renewed.key, cert: renewed.cert });
      server.closeAllConnections();
    },
    close: async () => {
      stopping.abort(new Error('The lab stops.'));
      await closeServer(server);
    },
  };
}

type Exchange = { readonly request: IncomingMessage; readonly response: ServerResponse; readonly signal: AbortSignal };

type Incoming = Omit<Exchange, 'signal'> & { readonly stopped: AbortSignal };

const fileAnswers = [
  ['/folder/', answerFolder],
  [SNAPSHOT_FILES, answerSnapshotFile],
] as const;

async function handle(context: VcenterContext, { request, response, stopped }: Incoming): Promise<void> {
  const url = new URL(request.url ?? '/', 'https://127.0.0.1');
  const ended = new AbortController();
  const end = (): void => ended.abort(new Error('The exchange is over.'));
  response.once('close', end);
  stopped.addEventListener('abort', end, { once: true });
  const exchange = { request, response, signal: ended.signal };
  response.setHeader('Date', new Date(context.nowMs()).toUTCString());
  try {
    const answerFile = fileAnswers.find(([place]) => url.pathname.startsWith(place))?.[1];
    if (answerFile !== undefined) {
      const session = context.sessions.active(cookieOf(request));
      await answerFile(context, { url, session, ...exchange });
    } else if (url.pathname === '/sdk/vimServiceVersions.xml' && request.method === 'GET') {
      response.writeHead(200, { 'Content-Type': 'text/xml' }).end(versions);
    } else if (/^\/sdk\/?(vimService)?$/.test(url.pathname)) {
      if (request.method === 'POST') await handleSoap(context, exchange);
      else response.writeHead(405, { Allow: 'POST' }).end();
    } else {
      response.writeHead(404).end();
    }
  } finally {
    stopped.removeEventListener('abort', end);
  }
}

async function handleSoap(context: VcenterContext, exchange: Exchange): Promise<void> {
  const { request, response } = exchange;
  const body = await readBody(request);
  if (body === null) {
    response.writeHead(413, { Connection: 'close' }).end();
    return;
  }
  let soap: SoapRequest;
  try {
    soap = readRequest(body);
  } catch (error) {
    if (!(error instanceof VimFault)) throw error;
    send(response, refusal(error));
    return;
  }
  const occasion = { command: soap.method, vmId: soap.self.id };
  const before = takeFault(context.store.state.faults, 'vc-request', occasion);
  if (before !== null && (await isAnsweredBy(context, before, exchange))) return;
  const reply = await answerSoap(context, {
    request: soap,
    cookie: cookieOf(request),
    userAgent: request.headers['user-agent'] ?? '',
    signal: exchange.signal,
  });
  const spoiled = takeFault(context.store.state.faults, 'vc-reply', occasion);
  if (spoiled === null) {
    send(response, reply);
    return;
  }
  await context.store.flush();
  await sendSpoiled(response, spoiled, reply);
}

/** What happens before a call is looked at; true when that was all. */
async function isAnsweredBy(
  context: VcenterContext,
  fault: ArmedFault,
  { request, response, signal }: Exchange,
): Promise<boolean> {
  switch (fault.fault) {
    case 'vc-slow':
      await pause(fault.value ?? 5000, signal);
      return false;
    case 'vc-session-expired': {
      const session = context.sessions.active(cookieOf(request));
      if (session !== null) context.sessions.close(session);
      return false;
    }
    case 'vc-http-503':
      response
        .writeHead(503, { 'Content-Type': 'text/plain' })
        .end('503 Service Unavailable (Failed to connect to endpoint)');
      return true;
    case 'vc-garbage-reply':
      response
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end('<html><body>Sign in to the guest network</body></html>');
      return true;
    default:
      response.destroy();
      return true;
  }
}

function send(response: ServerResponse, { status, xml, cookie }: SoapReply): void {
  response.writeHead(status, {
    'Content-Type': 'text/xml; charset=utf-8',
    'Content-Length': Buffer.byteLength(xml),
    // In quotes, as vCenter sends it.
    ...(cookie === null ? {} : { 'Set-Cookie': `${COOKIE}="${cookie}"; Path=/; HttpOnly; Secure` }),
  });
  response.end(xml);
}

function cookieOf(request: IncomingMessage): string | null {
  const parts = (request.headers.cookie ?? '').split(/;\s*/);
  const value = parts.find((part) => part.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
  return value?.replace(/^"(.*)"$/, '$1') ?? null;
}

/** null: more than any honest call needs. */
async function readBody(request: IncomingMessage): Promise<string | null> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request) {
    size += (part as Buffer).length;
    if (size > MAX_BODY_BYTES) return null;
    parts.push(part as Buffer);
  }
  return Buffer.concat(parts).toString('utf8');
}
