import { AppError } from '../../../shared/errors.ts';
import type { MoverName } from '../../domain/copy-method.ts';
import type { SourceDisk, SourceImage, SourceVm } from '../../domain/vm.ts';
import type { VmSpec } from '../../domain/vm-spec.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { VmRef } from '../../ports/source-snapshots.ts';
import type { Vcenter } from '../../ports/vcenter.ts';
import { requireVm } from '../list-vms.ts';
import type { JobView } from './job-board.ts';
import type { VmaParts } from './parts.ts';

export function requireJob({ jobs }: VmaParts, jobId: string): JobView {
  const job = jobs.get(jobId);
  if (job === null) throw new AppError('NOT_FOUND', `This start of the VMA knows no job ${jobId}.`, { job_id: jobId });
  return job;
}

/** A disk is meant by its key alone: its place in a list says nothing. */
export function requireDisk({ name, disks }: SourceVm, diskKey: number): SourceDisk {
  const disk = disks.find(({ key }) => key === diskKey);
  if (disk !== undefined) return disk;
  const keys = disks.map(({ key }) => key);
  throw new AppError('UNKNOWN_DISK', `${name} has no disk ${String(diskKey)}; it has ${keys.join(', ')}.`, {
    disk_key: diskKey,
    disk_keys: keys,
  });
}

export type AtVcenter = {
  readonly vm: SourceVm;
  readonly ref: VmRef;
  readonly vcenter: Vcenter;
  readonly moRef: string;
};

export async function requireAtVcenter(parts: VmaParts, vmId: string, options: Signalled): Promise<AtVcenter> {
  const vm = await requireVm(parts, vmId, options);
  const spec = parts.vcenters.spec(vm.sourceId, vmId);
  if (spec === null) throw new AppError('NOT_FOUND', `No vCenter lists a VM ${vmId} any more.`, { vm_id: vmId });
  const ref = { sourceKind: vm.sourceKind, sourceId: vm.sourceId, vmId };
  return { vm, ref, vcenter: parts.vcenters.vcenter(vm.sourceId), moRef: spec.moRef };
}

/** As vCenter describes it now, not as it was seen last. */
export async function specNow(parts: VmaParts, vmId: string, options: Signalled): Promise<VmSpec> {
  const { vcenter, moRef } = await requireAtVcenter(parts, vmId, options);
  return await vcenter.vm(moRef, options);
}

type Wanted = { readonly at: AtVcenter; readonly diskKey: number; readonly snapshot: string | null };
export type ReadableDisk = {
  readonly source: SourceImage;
  readonly capacityBytes: number;
  readonly mover: MoverName;
  readonly because: string;
};

/** How a disk is read: as it lies on its datastore, or as a snapshot of ours froze it. */
export async function readableDisk(
  parts: VmaParts,
  { at, diskKey, snapshot }: Wanted,
  options: Signalled,
): Promise<ReadableDisk> {
  const { vm, vcenter, moRef } = at;
  if (snapshot === null) {
    const { image, capacityBytes } = requireDisk(vm, diskKey);
    return { source: image, capacityBytes, mover: 'folder', because: 'It is read as a file while the VM is off.' };
  }
  await requireOurs(parts, at, snapshot);
  const disk = (await vcenter.snapshotDisks(snapshot, options)).find(({ key }) => key === diskKey);
  if (disk === undefined) throw new AppError('UNKNOWN_DISK', `${snapshot} froze no disk ${String(diskKey)}.`);
  const { mover, because } = await parts.snapshots.method(at.ref, options);
  const source: SourceImage = {
    format: 'snapshot',
    path: disk.vmdkPath ?? '',
    siteId: vm.sourceId,
    vmMoRef: moRef,
    snapshotMoRef: snapshot,
    diskKey,
    capacityBytes: disk.capacityBytes,
    reader: mover === 'vddk' ? 'vddk' : 'lab',
  };
  return { source, capacityBytes: disk.capacityBytes, mover: source.reader, because };
}

/** What others took may vanish at any moment, and is not ours to read. */
async function requireOurs({ ledgerOf }: VmaParts, { vm, moRef }: AtVcenter, snapshot: string): Promise<void> {
  const ours = await ledgerOf(vm.sourceId).unremoved();
  if (ours.some((one) => one.vm === moRef && one.moRef === snapshot)) return;
  throw new AppError('SNAPSHOT_NOT_OURS', `${snapshot} of ${vm.name} was not taken by this VMA.`, { snapshot });
}
