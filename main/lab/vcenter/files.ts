import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type ArmedFault, takeFault } from '../faults.ts';
import { readByteRange } from './byte-range.ts';
import type { VcenterContext } from './context.ts';
import type { Session } from './sessions.ts';
import type { Vm } from './vms.ts';

export type FileAsked = {
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** By its cookie. */
  readonly session: Session | null;
  readonly signal: AbortSignal;
};

export type SentFile = {
  readonly path: string;
  readonly vm: Vm;
  /** Faults of this point strike, each kind with its ending: -401, -503, -cut. */
  readonly faultsAt: 'vc-folder' | 'vc-snapshot-read';
  /** Any other fault of the point; the bytes are sent all the same. */
  strike(fault: ArmedFault): Promise<void>;
};

const PIECE = 1024 * 1024;
const challenge = { 'WWW-Authenticate': 'Basic realm="VMware HTTP server"', 'Content-Type': 'text/plain' };

/** False: it was refused. */
export function isReading({ request, response }: FileAsked): boolean {
  if (request.method === 'GET' || request.method === 'HEAD') return true;
  response.writeHead(405, { Allow: 'GET, HEAD' }).end();
  return false;
}

export function refuseUnknown(response: ServerResponse): void {
  response.writeHead(401, challenge).end('Unauthorized\n');
}

/** A file to GET and HEAD, whole or in ranges. */
export async function sendFile(context: VcenterContext, asked: FileAsked, file: SentFile): Promise<void> {
  const { url, request, response, signal } = asked;
  const { size } = await stat(file.path);
  const range = readByteRange(request.headers.range, size);
  const common = { 'Accept-Ranges': 'bytes', 'Content-Type': 'application/octet-stream' };
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const fault = request.method === 'GET' ? takeFileFault(context, file, end) : null;
  if (fault !== null && (await isRefused(context, { fault, file, response }))) return;
  const length = end - start + 1;
  const partial = range === null ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` };
  response.writeHead(range === null ? 200 : 206, { ...common, ...partial, 'Content-Length': length });
  if (request.method === 'HEAD' || length === 0) {
    response.end();
    return;
  }
  const cut = fault?.fault === `${file.faultsAt}-cut`;
  const last = cut ? start + Math.floor(length / 2) : end;
  try {
    const bytes = createReadStream(file.path, { start, end: last, highWaterMark: PIECE });
    await pipeline(bytes, response, { end: !cut, signal });
  } catch (error) {
    // The reader went away in the middle, or the lab stops.
    context.log('debug', 'A file was not sent to its end', { path: url.pathname, error: String(error) });
  }
  if (cut) response.destroy();
}

function takeFileFault({ store }: VcenterContext, { vm, faultsAt }: SentFile, end: number): ArmedFault | null {
  const command = faultsAt.replace('vc-', '');
  const occasion = { command, name: vm.plan.name, vmId: vm.plan.moref, reached: end };
  return takeFault(store.state.faults, faultsAt, occasion);
}

type Struck = { readonly fault: ArmedFault; readonly file: SentFile; readonly response: ServerResponse };

async function isRefused(context: VcenterContext, { fault, file, response }: Struck): Promise<boolean> {
  switch (fault.fault) {
    case `${file.faultsAt}-401`:
      context.sessions.expire();
      refuseUnknown(response);
      return true;
    case `${file.faultsAt}-503`:
      response.writeHead(503).end('Service Unavailable\n');
      return true;
    case `${file.faultsAt}-cut`:
      return false;
    default:
      await file.strike(fault);
      return false;
  }
}
