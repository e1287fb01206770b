import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../../../../shared/errors.ts';
import { runProgram } from '../../run-program.ts';

export type Area = { readonly start: number; readonly length: number };

export type AreasWanted = {
  /** null: compare with nothing, so that what is not zero counts. */
  readonly before: string | null;
  readonly after: string;
  readonly from: number;
  readonly to: number;
  readonly maxAreas: number;
};

/** The areas within [from, to), and how far they were looked for. */
export type AreasFound = { readonly areas: readonly Area[]; readonly until: number };

const BLOCK = 64 * 1024;
const WINDOW = 4 * 1024 * 1024;

/** Compares the bytes themselves, block by block; where neither file has any, nothing can differ. */
export async function changedAreas(wanted: AreasWanted): Promise<AreasFound> {
  const paths = wanted.before === null ? [wanted.after] : [wanted.before, wanted.after];
  const extents = merge((await Promise.all(paths.map(dataExtents))).flat());
  const files = await openAll(paths);
  try {
    return await compare(files, extents, wanted);
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

async function openAll(paths: readonly string[]): Promise<FileHandle[]> {
  const files: FileHandle[] = [];
  try {
    for (const path of paths) files.push(await open(path, 'r'));
  } catch (error) {
    await Promise.all(files.map((file) => file.close()));
    throw error;
  }
  return files;
}

async function compare(
  files: readonly FileHandle[],
  extents: readonly Area[],
  wanted: AreasWanted,
): Promise<AreasFound> {
  const { from, to, maxAreas } = wanted;
  const areas: { start: number; length: number }[] = [];
  const buffers = files.map(() => Buffer.alloc(WINDOW));
  for (const extent of extents) {
    const end = Math.min(extent.start + extent.length, to);
    for (let at = Math.max(extent.start, alignDown(from)); at < end; at += WINDOW) {
      const length = Math.min(WINDOW, end - at);
      const contents = await Promise.all(
        files.map((file, index) => readZeroed(file, buffers[index] ?? Buffer.alloc(WINDOW), { at, length })),
      );
      for (let block = 0; block < length; block += BLOCK) {
        const size = Math.min(BLOCK, length - block);
        if (!differs(contents, block, size)) continue;
        const start = Math.max(at + block, from);
        const last = areas.at(-1);
        if (last !== undefined && last.start + last.length === start) {
          last.length += at + block + size - start;
        } else if (areas.length === maxAreas) {
          return { areas, until: start };
        } else {
          areas.push({ start, length: at + block + size - start });
        }
      }
    }
  }
  return { areas, until: to };
}

const zeros = Buffer.alloc(BLOCK);

function differs([first, second]: readonly Buffer[], block: number, size: number): boolean {
  const one = first?.subarray(block, block + size) ?? zeros;
  const other = second?.subarray(block, block + size) ?? zeros.subarray(0, size);
  return Buffer.compare(one, other) !== 0;
}

/** What lies beyond the end of the shorter file reads as zero. */
async function readZeroed(
  file: FileHandle,
  buffer: Buffer,
  { at, length }: { readonly at: number; readonly length: number },
): Promise<Buffer> {
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(buffer, done, length - done, at + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  buffer.fill(0, done, length);
  return buffer.subarray(0, length);
}

const alignDown = (offset: number): number => Math.floor(offset / BLOCK) * BLOCK;

type MapEntry = { readonly start: number; readonly length: number; readonly data: boolean };

/** Where a file has bytes, grown to whole blocks. */
async function dataExtents(path: string): Promise<Area[]> {
  const args = [
    'map',
    '--output=json',
    '--force-share',
    '--image-opts',
    `driver=raw,file.driver=file,file.filename=${path.replaceAll(',', ',,')}`,
  ];
  const end = await runProgram('qemu-img', args, { debianPackage: 'qemu-utils' });
  if (end.code !== 0) throw new AppError('INTERNAL', `qemu-img map of ${path} failed: ${end.stderr.trim()}`);
  return (JSON.parse(end.stdout) as MapEntry[])
    .filter((entry) => entry.data)
    .map(({ start, length }) => {
      const first = alignDown(start);
      return { start: first, length: alignDown(start + length + BLOCK - 1) - first };
    });
}

function merge(extents: readonly Area[]): Area[] {
  const merged: { start: number; length: number }[] = [];
  for (const { start, length } of [...extents].sort((a, b) => a.start - b.start)) {
    const last = merged.at(-1);
    if (last !== undefined && start <= last.start + last.length) {
      last.length = Math.max(last.length, start + length - last.start);
    } else {
      merged.push({ start, length });
    }
  }
  return merged;
}
