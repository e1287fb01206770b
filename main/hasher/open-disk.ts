import { type BigIntStats, readFileSync } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { type DiskIdentity, exitCode, type Reader } from './protocol.ts';
import { Trouble } from './trouble.ts';

export type OpenDisk = { readonly file: FileHandle; readonly sizeBytes: number };

/** Opens the disk read-only and proves on the opened descriptor that it is the expected one (rule P1). */
export async function openDisk(job: {
  readonly path: string;
  readonly reader: Reader;
  readonly identity: DiskIdentity | null;
  readonly deviceBytes: number;
}): Promise<OpenDisk> {
  const flags = constants.O_RDONLY | (job.reader === 'direct' ? constants.O_DIRECT : 0);
  const file = await open(job.path, flags).catch((error: unknown) => {
    throw openTrouble(error, job.path);
  });
  const stats = await file.stat({ bigint: true });
  const dev = devOf(stats);
  if (job.identity !== null) requireIdentity(job.path, dev, job.identity);
  const sizeBytes = stats.isBlockDevice() ? blockDeviceBytes(dev) : Number(stats.size);
  if (sizeBytes < job.deviceBytes) {
    throw new Trouble(exitCode.integrity, `${job.path} has ${sizeBytes} bytes, ${job.deviceBytes} are expected.`);
  }
  if (job.identity !== null && sizeBytes > job.deviceBytes) {
    throw new Trouble(exitCode.deviceChanged, `${job.path} has ${sizeBytes} bytes, not ${job.deviceBytes}.`);
  }
  return { file, sizeBytes };
}

/**
 * Looked at after the open: as long as a descriptor holds a disk, the kernel gives its number to no other. So if the entry
 * still shows that number and that sequence, what was opened is that disk.
 */
function requireIdentity(path: string, opened: string, expected: DiskIdentity): void {
  if (opened !== expected.dev) {
    throw new Trouble(exitCode.deviceChanged, `${path} opened ${opened}, not ${expected.dev}.`);
  }
  const now = { dev: readEntry(expected.sysFolder, 'dev'), diskseq: readEntry(expected.sysFolder, 'diskseq') };
  if (now.dev !== expected.dev || now.diskseq !== expected.diskseq) {
    const seen = `${String(now.dev)}, diskseq ${String(now.diskseq)}`;
    const wanted = `${expected.dev}, diskseq ${String(expected.diskseq)}`;
    throw new Trouble(exitCode.deviceChanged, `${expected.sysFolder} is ${seen}, not ${wanted}.`);
  }
}

function readEntry(folder: string, name: string): string | null {
  try {
    return readFileSync(`${folder}/${name}`, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function openTrouble(error: unknown, path: string): Trouble {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EINVAL') return new Trouble(exitCode.directRefused, `${path} refuses O_DIRECT.`);
  return new Trouble(exitCode.failed, message);
}

function devOf(stats: BigIntStats): string {
  if (!stats.isBlockDevice()) return `${stats.dev}:${stats.ino}`;
  const { rdev } = stats;
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** stat says 0 for a block device; the kernel that has it open tells its size in sectors. */
function blockDeviceBytes(dev: string): number {
  return Number(readFileSync(`/sys/dev/block/${dev}/size`, 'utf8').trim()) * 512;
}
