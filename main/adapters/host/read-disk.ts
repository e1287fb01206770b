import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskIdentity } from '../../ports/host-access.ts';

const sectorBytes = 512;
const vpdHeaderBytes = 4;
const vpdSerialPage = 0x80;
const attempts = 3;

/** Kernel names of what is never a volume: CD-ROM, floppy, loop, RAM, NBD client, device mapper, md, hidden NVMe path. */
const neverVolume = /^((loop|ram|zram|nbd|dm-|md|sr|fd|mtdblock)\d|md_|nvme\d+c\d+n\d+$)/;

export const mayBeVolume = (name: string): boolean => !neverVolume.test(name);

/** Why an entry cannot be believed; such a tree proves nothing, and the disk is not left out as if it were not there. */
const unbelievable = (name: string, what: string): Error => new Error(`sys/block/${name}: ${what}`);

/**
 * One entry of sys/block; null when it vanished while it was read, or has no bytes (an empty drive).
 * When another disk takes the name in the middle, its sequence number differs at the end, and it is read again.
 */
export function readDisk(root: string, name: string): DiskIdentity | null {
  const folder = join(root, 'sys/block', name);
  try {
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      const before = readKey(folder);
      const disk = readOnce(folder, name);
      if (readKey(folder) === before) return disk.sizeBytes === 0 ? null : disk;
    }
    throw unbelievable(name, 'another disk each time it is read');
  } catch (error) {
    // Half an entry is only normal for a device that is gone; a folder that stays is a tree we cannot trust.
    if (!existsSync(folder)) return null;
    throw error;
  }
}

/** What differs once another disk has the name, read at every look: diskseq, on older kernels number and size. */
export function readKey(folder: string): string {
  const diskseq = readDiskseq(folder);
  if (diskseq !== null) return diskseq;
  return `dev ${readText(join(folder, 'dev'))} size ${readText(join(folder, 'size'))}`;
}

function readDiskseq(folder: string): string | null {
  const path = `${folder}/diskseq`;
  // Asked first: on an old kernel 200 exceptions at every look would cost more than all else.
  return existsSync(path) ? readShort(path) : null;
}

const shortBytes = 64;

/** A short attribute in three system calls, the cheapest way: at rest this is all that a look does, 200 times. */
function readShort(path: string): string {
  const bytes = Buffer.allocUnsafe(shortBytes);
  const file = openSync(path, 'r');
  try {
    return bytes.toString('latin1', 0, readSync(file, bytes, 0, shortBytes, 0)).trim();
  } finally {
    closeSync(file);
  }
}

function readOnce(folder: string, name: string): DiskIdentity {
  const dev = readText(join(folder, 'dev'));
  const sectors = readText(join(folder, 'size'));
  if (!/^\d+:\d+$/.test(dev)) throw unbelievable(name, `dev is "${dev}"`);
  if (!/^\d+$/.test(sectors)) throw unbelievable(name, `size is "${sectors}"`);
  return {
    name,
    path: `/dev/${name}`,
    dev,
    sizeBytes: Number(sectors) * sectorBytes,
    diskseq: readDiskseq(folder),
    serial: readSerial(folder, name),
  };
}

/** virtio has `serial`, without a newline; a SCSI disk has VPD page 0x80 (rule D2). */
function readSerial(folder: string, name: string): string {
  const virtio = readOptional(join(folder, 'serial'));
  if (virtio !== null) return virtio.toString('utf8').trim();
  const page = readOptional(join(folder, 'device/vpd_pg80'));
  return page === null ? '' : serialOfPage(page, name);
}

/**
 * Page code in byte 1, length of the serial in bytes 2 and 3, then the serial, padded with blanks or NUL. A page that is
 * cut short is an error: an empty or shorter serial would be another disk's, or none.
 */
function serialOfPage(page: Buffer, name: string): string {
  if (page.length < vpdHeaderBytes || page[1] !== vpdSerialPage)
    throw unbelievable(name, `vpd_pg80 is no serial page: ${page.subarray(0, vpdHeaderBytes).toString('hex')}`);
  const end = vpdHeaderBytes + page.readUInt16BE(2);
  if (page.length < end)
    throw unbelievable(name, `vpd_pg80 is cut short: ${String(page.length)} of ${String(end)} bytes`);
  return page.subarray(vpdHeaderBytes, end).toString('latin1').replaceAll('\0', ' ').trim();
}

export const readText = (path: string): string => readFileSync(path, 'utf8').trim();

function readOptional(path: string): Buffer | null {
  if (!existsSync(path)) return null;
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
