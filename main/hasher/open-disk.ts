import { type BigIntStats, readFileSync } from 'node:fs';
import { constants, type FileHandle, open } from 'node:fs/promises';
import { exitCode, type Reader } from './protocol.ts';
import { Trouble } from './trouble.ts';

export type OpenDisk = { readonly file: FileHandle; readonly sizeBytes: number };

/** Opens the disk read-only and proves on the opened descriptor that it is the expected one (rule P1). */
export async function openDisk(job: {
  readonly path: string;
  readonly reader: Reader;
  readonly dev: string | null;
  readonly deviceBytes: number;
}): Promise<OpenDisk> {
  const flags = constants.O_RDONLY | (job.reader === 'direct' ? constants.O_DIRECT : 0);
  const file = await open(job.path, flags).catch((error: unknown) => {
    throw openTrouble(error, job.path);
  });
  const stats = await file.stat({ bigint: true });
  const dev = devOf(stats);
  if (job.dev !== null && dev !== job.dev) {
    throw new Trouble(exitCode.deviceChanged, `${job.path} opened ${dev}, not ${job.dev}.`);
  }
  const sizeBytes = stats.isBlockDevice() ? blockDeviceBytes(dev) : Number(stats.size);
  if (sizeBytes < job.deviceBytes) {
    throw new Trouble(exitCode.integrity, `${job.path} has ${sizeBytes} bytes, ${job.deviceBytes} are expected.`);
  }
  if (job.dev !== null && sizeBytes > job.deviceBytes) {
    throw new Trouble(exitCode.deviceChanged, `${job.path} has ${sizeBytes} bytes, not ${job.deviceBytes}.`);
  }
  return { file, sizeBytes };
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
