import { createHash } from 'node:crypto';
import { open, readdir, rename, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../../shared/errors.ts';
import { scatter, writeSeeded } from '../../images/bytes.ts';
import { hasCode } from '../../json-file.ts';
import { runProgram } from '../../run-program.ts';
import type { VmDisk } from '../vm-plan.ts';
import type { FrozenDisk } from '../vm-state.ts';
import { diskNow, type Vm } from '../vms.ts';

export type DiskFiles = {
  /** Where the raw bytes of the disk lie now. The first call makes them. */
  live(vm: Vm, disk: VmDisk): Promise<string>;
  /** As `live`, in a file that may be written: a VM that shares an image gets a copy of its own. */
  writable(vm: Vm, disk: VmDisk): Promise<string>;
  /** A copy of the bytes of this moment; holes stay holes. */
  freeze(vm: Vm, disk: VmDisk, file: string): Promise<void>;
  frozen(vm: Vm, frozen: Pick<FrozenDisk, 'key' | 'file'>): Promise<string>;
  forget(file: string): Promise<void>;
  /** After a kill: frozen bytes that nothing recorded stands for go away, before their name is used again. */
  sweep(used: ReadonlySet<string>): Promise<void>;
};

const KIB = 1024;

export function createDiskFiles({
  disksDir,
  frozenDir,
}: {
  readonly disksDir: string;
  readonly frozenDir: string;
}): DiskFiles {
  const making = new Map<string, Promise<void>>();

  /** A file has its name only when it is complete, also after a kill. */
  const ensure = async (path: string, make: (aside: string) => Promise<void>): Promise<string> => {
    const before = making.get(path);
    if (before !== undefined) {
      await before;
      return path;
    }
    const work = makeIfMissing(path, make).finally(() => making.delete(path));
    making.set(path, work);
    await work;
    return path;
  };

  const ownPath = (vm: Vm, { key, content }: VmDisk): string =>
    join(disksDir, content.from === 'seed' ? `${content.name}.raw` : `${vm.plan.vmId}-${key}.raw`);

  const live = async (vm: Vm, disk: VmDisk): Promise<string> => {
    const { content, sizeBytes } = disk;
    if (content.from === 'seed') {
      return await ensure(ownPath(vm, disk), (aside) =>
        writeGenerations(aside, { name: content.name, sizeBytes, last: vm.plan.snapshots.length }),
      );
    }
    if (diskNow(vm, disk.key).own) return ownPath(vm, disk);
    if (content.format === 'raw') return content.path;
    const converted = join(
      disksDir,
      `image-${createHash('sha256').update(content.path).digest('hex').slice(0, 20)}.raw`,
    );
    return await ensure(converted, (aside) => convert(content.path, content.format, aside));
  };

  return {
    live,
    writable: async (vm, disk) => {
      const now = diskNow(vm, disk.key);
      const from = await live(vm, disk);
      if (now.own) return from;
      const path = ownPath(vm, disk);
      await rm(path, { force: true });
      await ensure(path, (aside) => copySparse(from, aside));
      now.own = true;
      return path;
    },
    freeze: async (vm, disk, file) => {
      const from = await live(vm, disk);
      await rm(join(frozenDir, file), { force: true });
      await ensure(join(frozenDir, file), (aside) => copySparse(from, aside));
    },
    frozen: async (vm, { key, file }) => {
      const disk = vm.plan.disks.find((candidate) => candidate.key === key);
      const planned = /-planned-(\d+)\.raw$/.exec(file)?.[1];
      const path = join(frozenDir, file);
      if (disk === undefined || planned === undefined || disk.content.from !== 'seed') return path;
      const { name } = disk.content;
      return await ensure(path, (aside) =>
        writeGenerations(aside, { name, sizeBytes: disk.sizeBytes, last: Number(planned) }),
      );
    },
    forget: (file) => rm(join(frozenDir, file), { force: true }),
    sweep: async (used) => {
      const stray = (await readdir(frozenDir)).filter((file) => !used.has(file));
      await Promise.all(stray.map((file) => rm(join(frozenDir, file))));
    },
  };
}

async function makeIfMissing(path: string, make: (aside: string) => Promise<void>): Promise<void> {
  try {
    await stat(path);
    return;
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error;
  }
  const aside = `${path}.making`;
  await rm(aside, { force: true });
  await make(aside);
  await rename(aside, path);
}

type Generations = { readonly name: string; readonly sizeBytes: number; readonly last: number };

/** The bytes that a disk began with, and one piece more for every snapshot that it has had since. */
async function writeGenerations(path: string, { name, sizeBytes, last }: Generations): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.truncate(sizeBytes);
    for (const piece of scatter(name, sizeBytes, { bytes: 384 * KIB, count: 6 })) {
      await writeSeeded(file, `${name} ${piece.offset}`, piece);
    }
    for (let number = 1; number <= last; number += 1) {
      const piece = { offset: number * 1024 * KIB, length: 128 * KIB };
      await writeSeeded(file, `${name} generation ${number}`, piece);
    }
  } finally {
    await file.close();
  }
}

async function copySparse(from: string, to: string): Promise<void> {
  const args = ['--sparse=auto', '--reflink=auto', '--', from, to];
  const end = await runProgram('cp', args, { debianPackage: 'coreutils' });
  if (end.code !== 0) throw new AppError('INTERNAL', `cp of ${from} failed: ${end.stderr.trim()}`);
}

async function convert(from: string, format: string, to: string): Promise<void> {
  const args = ['convert', '-f', format, '-O', 'raw', from, to];
  const end = await runProgram('qemu-img', args, { debianPackage: 'qemu-utils' });
  if (end.code !== 0) throw new AppError('INTERNAL', `qemu-img for ${from} failed: ${end.stderr.trim()}`);
}

/** Longer, and the new part is a hole. */
export const growFile = (path: string, sizeBytes: number): Promise<void> => truncate(path, sizeBytes);
