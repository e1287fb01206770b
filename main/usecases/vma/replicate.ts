import { AppError } from '../../../shared/errors.ts';
import { type Extent, normalise } from '../../domain/extent.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { DiskToSend } from './disk-run.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';
import { statusOf } from './read-jobs.ts';
import { type AtVcenter, readableDisk, requireAtVcenter, requireDisk } from './require.ts';

type Body = Parameters<VmaHandlers['replicate']>[0]['body'];
type Target = Body['nbd_targets'][number];

/** All of it is refused, or all of it is started (rule M6): first what is wrong with it, then the record, then the act. */
export const replicate =
  (parts: VmaParts): VmaHandlers['replicate'] =>
  async ({ body }, { signal }) => {
    const { job_id: jobId, vm_id: vmId, attempt, snapshot, nbd_targets: targets } = body;
    requireSameVm(parts, body);
    refuseDuplicates(targets);
    const at = await requireAtVcenter(parts, vmId, { signal });
    for (const target of targets) requireDisk(at.vm, target.disk_key);
    const disks = [];
    for (const target of targets) disks.push(await toSend(parts, { at, target, snapshot }, { signal }));
    await parts.attempts.claim({ jobId, diskKeys: disks.map(({ diskKey }) => diskKey), attempt });
    await parts.jobs.begin({ jobId, vmId, siteId: at.vm.sourceId, attempt, disks });
    return statusOf(parts, jobId);
  };

function requireSameVm({ jobs }: VmaParts, { job_id: jobId, vm_id: vmId }: Body): void {
  const known = jobs.get(jobId);
  if (known === null || known.vmId === vmId) return;
  throw new AppError('INVALID_REQUEST', `body.vm_id: job ${jobId} is of the VM ${known.vmId}.`);
}

function refuseDuplicates(targets: readonly Target[]): void {
  const keys = new Set<number>();
  const places = new Set<string>();
  for (const { disk_key: key, url } of targets) {
    const place = placeOf(url);
    const details = { disk_key: key, url };
    if (keys.has(key)) throw new AppError('DUPLICATE_TARGET', `Disk ${String(key)} is named twice.`, details);
    if (places.has(place)) throw new AppError('DUPLICATE_TARGET', `${url} is named for two disks.`, details);
    keys.add(key);
    places.add(place);
  }
}

/** The export itself, however it is written. */
function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url);
  return `${hostname.toLowerCase()}:${port === '' ? '10809' : port}${decodeURIComponent(pathname)}`;
}

type Wanted = { readonly at: AtVcenter; readonly target: Target; readonly snapshot: string | null };

async function toSend(parts: VmaParts, { at, target, snapshot }: Wanted, options: Signalled): Promise<DiskToSend> {
  const { disk_key: diskKey, url, device_bytes: deviceBytes } = target;
  const { capacityBytes, ...readable } = await readableDisk(parts, { at, diskKey, snapshot }, options);
  if (deviceBytes < capacityBytes) {
    const text = `Disk ${String(diskKey)} has ${String(capacityBytes)} bytes, its target ${String(deviceBytes)}.`;
    throw new AppError('TARGET_TOO_SMALL', text, { disk_key: diskKey, capacity_bytes: capacityBytes });
  }
  const extents = target.extents ?? [{ offset: 0, length: deviceBytes }];
  requireInOrder(extents, deviceBytes);
  return { diskKey, url, deviceBytes, extents, ...readable };
}

function requireInOrder(extents: readonly Extent[], deviceBytes: number): void {
  const last = extents.at(-1);
  const isInside = last !== undefined && last.offset + last.length <= deviceBytes;
  if (isInside && JSON.stringify(normalise(extents)) === JSON.stringify(extents)) return;
  throw new AppError('INVALID_REQUEST', 'body.nbd_targets.extents: sorted, merged, and inside the device.');
}
