import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type ArmedFault, takeFault } from '../faults.ts';
import { mutateVm, setPower } from './acts.ts';
import { readByteRange } from './byte-range.ts';
import type { VcenterContext } from './context.ts';
import { datacenter, datastores } from './place.ts';
import type { Session } from './sessions.ts';
import type { VmDisk } from './vm-plan.ts';
import { diskNow, fileOf, stemOf, type Vm } from './vms.ts';

export type FolderAsked = {
  readonly url: URL;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** By its cookie. */
  readonly session: Session | null;
  readonly signal: AbortSignal;
};

/** A guest that starts writes all over its disks, also where a reader has been already. */
const guestStarts = { bytes: 512 * 1024, extents: 96, zero: false, unaligned: true, growGib: 0, seed: 1 };

const challenge = { 'WWW-Authenticate': 'Basic realm="VMware HTTP server"', 'Content-Type': 'text/plain' };

/** Files of a datastore over HTTPS: GET and HEAD, whole or in ranges, with a session or a password. */
export async function answerFolder(context: VcenterContext, asked: FolderAsked): Promise<void> {
  const { url, request, response, session } = asked;
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.writeHead(405, { Allow: 'GET, HEAD' }).end();
    return;
  }
  if (session === null && !knowsPassword(context, request)) {
    response.writeHead(401, challenge).end('Unauthorized\n');
    return;
  }
  const { denied } = context.store.state.vcenter;
  if (denied.includes('Datastore.Browse') || denied.includes('Datastore.FileManagement')) {
    response.writeHead(403).end('Forbidden\n');
    return;
  }
  const found = fileAt(context, url);
  if (found === null) {
    response.writeHead(404).end('Not found\n');
    return;
  }
  if (found.vm.now.power === 'poweredOn' && context.store.state.settings.vc_lock_running_disks && found.isLive) {
    // As hosts that lock the files of a running VM.
    response.writeHead(500).end(`Failed to lock the file ${url.pathname}\n`);
    return;
  }
  if (found.kind === 'descriptor') {
    response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(descriptorOf(found));
    return;
  }
  await sendBytes(context, asked, found);
}

function knowsPassword({ sessions }: VcenterContext, request: IncomingMessage): boolean {
  const given = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) return false;
  const [userName = '', ...password] = Buffer.from(given, 'base64').toString('utf8').split(':');
  return sessions.knows(userName, password.join(':'));
}

const PIECE = 1024 * 1024;

type Found = {
  readonly vm: Vm;
  readonly disk: VmDisk;
  readonly kind: 'flat' | 'descriptor';
  readonly delta: number;
  /** The file that the VM writes to, if it runs. */
  readonly isLive: boolean;
};

function fileAt({ vms }: VcenterContext, url: URL): Found | null {
  if (url.searchParams.get('dcPath') !== datacenter.name) return null;
  const datastore = url.searchParams.get('dsName') ?? '';
  // vSAN keeps objects, not files: its disks cannot be had this way.
  if (!Object.hasOwn(datastores, datastore) || datastore === 'vsanDatastore') return null;
  const path = decodePath(url.pathname.slice('/folder/'.length));
  if (path === null) return null;
  for (const vm of vms.all()) {
    if (vm.plan.datastore !== datastore) continue;
    for (const disk of vm.plan.disks) {
      const stem = stemOf(vm, disk);
      if (!path.startsWith(stem)) continue;
      const { delta: top } = diskNow(vm, disk.key);
      const deltas = [
        0,
        ...vm.now.chain.flatMap(({ disks }) => disks.filter(({ key }) => key === disk.key).map(({ delta }) => delta)),
        top,
      ];
      const delta = deltas.find((candidate) => fileOf(stem, candidate) === path);
      if (delta !== undefined) return { vm, disk, kind: 'descriptor', delta, isLive: delta === top };
      if (path === `${stem}-flat.vmdk` && disk.rdm === null)
        return { vm, disk, kind: 'flat', delta: 0, isLive: top === 0 };
    }
  }
  return null;
}

/** null: broken escapes, which name no file. */
function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}

/** The base of a chain holds the bytes of its first snapshot; what came later is in delta files. */
async function pathOf({ disks }: VcenterContext, { vm, disk }: Found): Promise<string> {
  const [first] = vm.now.chain.flatMap((snapshot) => snapshot.disks.filter(({ key }) => key === disk.key));
  return first === undefined ? await disks.live(vm, disk) : await disks.frozen(vm, first);
}

function descriptorOf({ vm, disk, delta }: Found): string {
  const stem = stemOf(vm, disk).replace(/^.*\//, '');
  const sectors = diskNow(vm, disk.key).sizeBytes / 512;
  const extent =
    delta === 0
      ? `RW ${sectors} VMFS "${stem}-flat.vmdk"`
      : `RW ${sectors} SESPARSE "${fileOf(stem, delta).replace('.vmdk', '-sesparse.vmdk')}"`;
  const type = delta === 0 ? 'vmfs' : 'seSparse';
  return `# Disk DescriptorFile\nversion=1\nencoding="UTF-8"\nCID=fffffffe\nparentCID=ffffffff\ncreateType="${type}"\n\n# Extent description\n${extent}\n`;
}

async function sendBytes(
  context: VcenterContext,
  { url, request, response, signal }: FolderAsked,
  found: Found,
): Promise<void> {
  const path = await pathOf(context, found);
  const { size } = await stat(path);
  const range = readByteRange(request.headers.range, size);
  const common = { 'Accept-Ranges': 'bytes', 'Content-Type': 'application/octet-stream' };
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'Content-Range': `bytes */${size}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: size - 1 };
  const fault = request.method === 'GET' ? takeFolderFault(context, found, end) : null;
  if (fault !== null && (await strike(context, { fault, found, response }))) return;
  const length = end - start + 1;
  const partial = range === null ? {} : { 'Content-Range': `bytes ${start}-${end}/${size}` };
  response.writeHead(range === null ? 200 : 206, { ...common, ...partial, 'Content-Length': length });
  if (request.method === 'HEAD' || length === 0) {
    response.end();
    return;
  }
  const cut = fault?.fault === 'vc-folder-cut';
  const last = cut ? start + Math.floor(length / 2) : end;
  try {
    await pipeline(createReadStream(path, { start, end: last, highWaterMark: PIECE }), response, { end: !cut, signal });
  } catch (error) {
    // The reader went away in the middle, or the lab stops.
    context.log('debug', 'A file was not sent to its end', { path: url.pathname, error: String(error) });
  }
  if (cut) response.destroy();
}

function takeFolderFault({ store }: VcenterContext, { vm }: Found, end: number): ArmedFault | null {
  const occasion = { command: 'folder', name: vm.plan.name, vmId: vm.plan.moref, reached: end };
  return takeFault(store.state.faults, 'vc-folder', occasion);
}

type Struck = { readonly fault: ArmedFault; readonly found: Found; readonly response: ServerResponse };

/** True when the request is answered by it. */
async function strike(context: VcenterContext, { fault, found, response }: Struck): Promise<boolean> {
  const { vm } = found;
  switch (fault.fault) {
    case 'vc-folder-401':
      context.sessions.expire();
      response.writeHead(401, challenge).end('Unauthorized\n');
      return true;
    case 'vc-folder-503':
      response.writeHead(503).end('Service Unavailable\n');
      return true;
    case 'vc-folder-power-on':
      await context.vms.inTurn(vm, async () => {
        await setPower(context, vm, 'poweredOn');
        await mutateVm(context, vm, guestStarts);
      });
      await context.store.flush();
      return false;
    case 'vc-folder-reconfigured':
      context.vms.changed(vm, 'config');
      await context.store.flush();
      return false;
    default:
      return false;
  }
}
