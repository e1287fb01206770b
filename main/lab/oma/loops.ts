import { access, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { hasCode } from '../json-file.ts';
import { cameTrue, pause } from '../pause.ts';
import { runProgram } from '../run-program.ts';

export type LoopDevice = { readonly node: string; readonly dev: string; readonly backingFile: string };

export type NodeMaker = {
  readonly kind: 'loop' | 'file';
  make(backingFile: string): Promise<{ readonly node: string; readonly dev: string }>;
  /** Takes over a new size of the backing file. */
  grow(node: string): Promise<void>;
  /** False when something still holds the device after `timeoutMs`; it then goes when it is let go. */
  release(node: string, backingFile: string, timeoutMs: number): Promise<boolean>;
  /** Devices that exist now over files below `dir`, ours or left over. */
  existing(dir: string): Promise<readonly LoopDevice[]>;
};

const LOSETUP = { debianPackage: 'mount' };
const ATTEMPTS = 40;

/** Real block devices, for root on a kernel with loop devices. */
export function createLoopNodes(): NodeMaker {
  return {
    kind: 'loop',
    make: async (backingFile) => {
      // Direct I/O: a read of a hole would otherwise fill the page cache with zeroes, at a fifth of the speed.
      // Two programs that look for a free loop at once may be given the same one; the loser hears EBUSY.
      for (let attempt = 1; ; attempt += 1) {
        const end = await runProgram('losetup', ['--find', '--show', '--direct-io=on', backingFile], LOSETUP);
        const node = end.stdout.trim();
        if (end.code === 0) return { node, dev: await readTrimmed(`/sys/block/${node.slice(5)}/dev`) };
        if (attempt === ATTEMPTS || !/busy|temporarily/i.test(end.stderr)) {
          throw new AppError('INTERNAL', `losetup for ${backingFile} failed: ${end.stderr.trim()}`);
        }
        await pause(5 * attempt, new AbortController().signal);
      }
    },
    grow: async (node) => {
      const end = await runProgram('losetup', ['--set-capacity', node], LOSETUP);
      if (end.code !== 0) throw new AppError('INTERNAL', `losetup for ${node} failed: ${end.stderr.trim()}`);
    },
    release: async (node, backingFile, timeoutMs) => {
      const gone = async (): Promise<boolean> => (await backingOf(node)) !== backingFile;
      if (await gone()) return true;
      await runProgram('losetup', ['--detach', node], LOSETUP);
      return cameTrue(gone, timeoutMs);
    },
    existing: async (dir) => {
      const names = (await readdir('/sys/block')).filter((name) => /^loop\d+$/.test(name));
      const found: LoopDevice[] = [];
      for (const name of names) {
        const backingFile = await backingOf(`/dev/${name}`);
        if (backingFile?.startsWith(`${dir}/`) !== true) continue;
        found.push({ node: `/dev/${name}`, dev: await readTrimmed(`/sys/block/${name}/dev`), backingFile });
      }
      return found;
    },
  };
}

/** Plain files stand in for devices where there are no loop devices: an ordinary user, a container. */
export const createFileNodes = (): NodeMaker => ({
  kind: 'file',
  make: async (backingFile) => {
    const { dev, ino } = await stat(backingFile, { bigint: true });
    return { node: backingFile, dev: `${dev}:${ino}` };
  },
  grow: () => Promise.resolve(),
  release: () => Promise.resolve(true),
  existing: () => Promise.resolve([]),
});

/** Loop devices need root, the control node, and a kernel that really gives one. */
export async function chooseNodes(probeFile: string): Promise<NodeMaker> {
  if (process.getuid?.() !== 0) return createFileNodes();
  try {
    await access('/dev/loop-control');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return createFileNodes();
    throw error;
  }
  const loops = createLoopNodes();
  const end = await runProgram('losetup', ['--find', '--show', probeFile], LOSETUP);
  if (end.code !== 0 && !/busy|temporarily/i.test(end.stderr)) return createFileNodes();
  if (end.code === 0) await loops.release(end.stdout.trim(), probeFile, 5_000);
  return loops;
}

/** null: the loop device is free. The kernel follows renames of the file and marks a deleted one. */
async function backingOf(node: string): Promise<string | null> {
  try {
    return (await readTrimmed(join('/sys/block', node.slice(5), 'loop/backing_file'))).replace(/ \(deleted\)$/, '');
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENODEV', 'ENXIO')) return null;
    throw error;
  }
}

const readTrimmed = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim();
