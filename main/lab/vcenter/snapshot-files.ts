import type { VcenterContext } from './context.ts';
import { type FileAsked, isReading, refuseUnknown, sendFile } from './files.ts';
import type { FrozenDisk } from './vm-state.ts';
import type { Vm } from './vms.ts';

/** No real vCenter has it: there a snapshot is read with VMware's disk library, which cannot be had here. */
export const SNAPSHOT_FILES = '/ossea-lab/snapshots/';

/** `/ossea-lab/snapshots/<snapshot>/<disk key>`: the bytes that a snapshot froze of a disk, to a session. */
export async function answerSnapshotFile(context: VcenterContext, asked: FileAsked): Promise<void> {
  const { url, response, session } = asked;
  if (!isReading(asked)) return;
  if (session === null) {
    refuseUnknown(response);
    return;
  }
  if (context.store.state.vcenter.denied.includes('VirtualMachine.Provisioning.DiskRandomRead')) {
    response.writeHead(403).end('Forbidden\n');
    return;
  }
  const found = frozenAt(context, url);
  if (found === null) {
    response.writeHead(404).end('Not found\n');
    return;
  }
  await sendFile(context, asked, {
    path: await context.disks.frozen(found.vm, found.disk),
    vm: found.vm,
    faultsAt: 'vc-snapshot-read',
    strike: () => Promise.resolve(),
  });
}

function frozenAt({ vms }: VcenterContext, url: URL): { readonly vm: Vm; readonly disk: FrozenDisk } | null {
  const [, moref, key] = /^([\w-]+)\/(\d{1,9})$/.exec(url.pathname.slice(SNAPSHOT_FILES.length)) ?? [];
  for (const vm of vms.all()) {
    const snapshot = vm.now.chain.find(({ id, removed }) => id === moref && !removed);
    const disk = snapshot?.disks.find((frozen) => String(frozen.key) === key);
    if (disk !== undefined) return { vm, disk };
  }
  return null;
}
