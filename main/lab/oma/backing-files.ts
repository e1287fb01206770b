import { link, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { hasCode } from '../json-file.ts';
import { runProgram } from '../run-program.ts';

/** The sparse files behind the volumes: `DIR/volumes/<uuid>.raw`. */
export type BackingFiles = {
  path(volumeId: string): string;
  /** Made at the first attach, as storage gives space to an Allocated volume only then. */
  ensure(volumeId: string, sizeBytes: number): Promise<string>;
  discard(volumeId: string): Promise<void>;
  /** Copies the bytes of a volume to where nothing writes any more; holes stay holes. */
  freeze(volumeId: string, snapshotId: string): Promise<void>;
  restore(snapshotId: string, volumeId: string): Promise<void>;
  discardSnapshot(snapshotId: string): Promise<void>;
  /** Exchanges the files of two volumes by name; open descriptors stay on the bytes they had. */
  exchange(volumeA: string, volumeB: string): Promise<void>;
  /** Ends an exchange that a kill cut short. */
  recover(): Promise<void>;
};

export function createBackingFiles({ volumes: dir, snapshots }: Record<'volumes' | 'snapshots', string>): BackingFiles {
  const snapshotPath = (snapshotId: string): string => join(snapshots, `${snapshotId}.raw`);
  const path = (volumeId: string): string => join(dir, `${volumeId}.raw`);
  const asidePath = (a: string, b: string): string => join(dir, `${a}.${b}.exchange`);

  const finish = async (a: string, b: string): Promise<void> => {
    const aside = asidePath(a, b);
    if (await sameFile(aside, path(a))) await rename(path(b), path(a));
    await rename(aside, path(b));
  };

  return {
    path,
    ensure: async (volumeId, sizeBytes) => {
      const file = await open(path(volumeId), 'a', 0o600);
      try {
        if ((await file.stat()).size !== sizeBytes) await file.truncate(sizeBytes);
      } finally {
        await file.close();
      }
      return path(volumeId);
    },
    discard: (volumeId) => rm(path(volumeId), { force: true }),
    freeze: (volumeId, snapshotId) => copySparse(path(volumeId), snapshotPath(snapshotId)),
    restore: (snapshotId, volumeId) => copySparse(snapshotPath(snapshotId), path(volumeId)),
    discardSnapshot: (snapshotId) => rm(snapshotPath(snapshotId), { force: true }),
    exchange: async (a, b) => {
      await link(path(a), asidePath(a, b));
      await finish(a, b);
    },
    recover: async () => {
      for (const name of await readdir(dir)) {
        const [a, b, kind] = name.split('.');
        if (a !== undefined && b !== undefined && kind === 'exchange') await finish(a, b);
      }
    },
  };
}

/** Beside, then renamed: a kill leaves no half of a copy under the name of a whole one. */
async function copySparse(from: string, to: string): Promise<void> {
  const aside = `${to}.making`;
  const end = await runProgram('cp', ['--reflink=auto', '--sparse=always', '--', from, aside], {
    debianPackage: 'coreutils',
  });
  if (end.code !== 0) throw new AppError('INTERNAL', `The copy to ${to} failed: ${end.stderr.trim()}`);
  await rename(aside, to);
}

async function sameFile(a: string, b: string): Promise<boolean> {
  try {
    const [one, other] = await Promise.all([stat(a), stat(b)]);
    return one.ino === other.ino;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
