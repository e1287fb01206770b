import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BlockDevice } from '../../domain/device.ts';

const sectorBytes = 512;

/** One entry of sys/block; null when the device vanished while it was read. Any other trouble is thrown. */
export function readDevice(root: string, name: string): BlockDevice | null {
  const folder = join(root, 'sys/block', name);
  try {
    return {
      name,
      path: `/dev/${name}`,
      dev: readFileSync(join(folder, 'dev'), 'utf8').trim(),
      sizeBytes: Number(readFileSync(join(folder, 'size'), 'utf8').trim()) * sectorBytes,
      diskseq: readOptional(join(folder, 'diskseq'))?.toString('utf8').trim() ?? null,
      serial: readSerial(folder),
      holders: readHolders(folder),
    };
  } catch (error) {
    // Half an entry is only normal for a device that is gone; a folder that stays is a tree we cannot trust.
    if (!existsSync(folder)) return null;
    throw error;
  }
}

/** virtio has `serial`; a SCSI disk has VPD page 0x80, whose first four bytes are its header (rule D2). */
function readSerial(folder: string): string {
  const virtio = readOptional(join(folder, 'serial'));
  if (virtio !== null) return virtio.toString('utf8').trim();
  const page = readOptional(join(folder, 'device/vpd_pg80'));
  return page === null ? '' : page.subarray(4).toString('latin1').replaceAll('\0', '').trim();
}

/** Holders of the disk and of its partitions: device mapper and md hold a partition as well as a whole disk. */
function readHolders(folder: string): string[] {
  const partitions = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'partition')))
    .map((entry) => join(folder, entry.name));
  return [folder, ...partitions].flatMap((place) => {
    try {
      return readdirSync(join(place, 'holders'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
  });
}

function readOptional(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    // A detached loop device answers ENXIO, a disk without that page ENODATA or EINVAL: it has no such attribute.
    if (code === 'ENOENT' || code === 'ENXIO' || code === 'ENODATA' || code === 'EINVAL' || code === 'ENOTDIR') {
      return null;
    }
    throw error;
  }
}
