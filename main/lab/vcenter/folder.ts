import type { IncomingMessage } from 'node:http';
import type { ArmedFault } from '../faults.ts';
import { mutateVm, setPower } from './acts.ts';
import type { VcenterContext } from './context.ts';
import { type FileAsked, isReading, refuseUnknown, sendFile } from './files.ts';
import { datacenter, datastores } from './place.ts';
import type { VmDisk } from './vm-plan.ts';
import { diskNow, fileOf, stemOf, type Vm } from './vms.ts';

/** A guest that starts writes all over its disks, also where a reader has been already. */
const guestStarts = { bytes: 512 * 1024, extents: 96, zero: false, unaligned: true, growGib: 0, seed: 1 };

/** Files of a datastore over HTTPS: GET and HEAD, whole or in ranges, with a session or a password. */
export async function answerFolder(context: VcenterContext, asked: FileAsked): Promise<void> {
  const { url, request, response, session } = asked;
  if (!isReading(asked)) return;
  if (session === null && !knowsPassword(context, request)) {
    refuseUnknown(response);
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
  await sendFile(context, asked, {
    path: await pathOf(context, found),
    vm: found.vm,
    faultsAt: 'vc-folder',
    strike: (fault) => strike(context, fault, found.vm),
  });
}

function knowsPassword({ sessions }: VcenterContext, request: IncomingMessage): boolean {
  const given = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (given === undefined) return false;
  const [userName = '', ...password] = Buffer.from(given, 'base64').toString('utf8').split(':');
  return sessions.knows(userName, password.join(':'));
}

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

/** Somebody works on the VM while its disk is read. */
async function strike(context: VcenterContext, { fault }: ArmedFault, vm: Vm): Promise<void> {
  if (fault === 'vc-folder-power-on') {
    await context.vms.inTurn(vm, async () => {
      await setPower(context, vm, 'poweredOn');
      await mutateVm(context, vm, guestStarts);
    });
  } else if (fault === 'vc-folder-reconfigured') context.vms.changed(vm, 'config');
  await context.store.flush();
}
