import { readdirSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BlockDevice } from '../../domain/device.ts';
import type { DiskIdentity } from '../../ports/host-access.ts';
import { devOf, gone } from '../processes/proc.ts';

/** How udev names a disk of QEMU by its serial, on virtio and on SCSI. */
const prefixes = ['virtio-', 'scsi-0QEMU_QEMU_HARDDISK_', 'scsi-'];

/**
 * A second opinion: where `dev/disk/by-id` has a name for this serial, it must lead to this very disk. It is reported
 * with the disk, for the matcher to refuse it (rule D2): one link gone wrong says nothing about the other disks.
 * No link is no contradiction: udev comes later than the kernel, and not every hypervisor gives serials.
 */
export function readById(root: string): (disk: DiskIdentity) => Pick<BlockDevice, 'byIdLeadsTo'> {
  const folder = join(root, 'dev/disk/by-id');
  const names = new Set(gone(() => readdirSync(folder)) ?? []);
  return ({ serial, dev }) => {
    if (serial === '') return {};
    for (const name of prefixes.map((prefix) => `${prefix}${serial}`)) {
      if (!names.has(name)) continue;
      const path = join(folder, name);
      const stats = gone(() => statSync(path, { bigint: true }));
      // A link to nothing is one that udev has not cleared away yet.
      if (stats === null || devOf(stats) === dev) continue;
      return { byIdLeadsTo: `/dev/${basename(gone(() => readlinkSync(path)) ?? name)}` };
    }
    return {};
  };
}
