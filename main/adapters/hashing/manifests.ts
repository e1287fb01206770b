import { AppError } from '../../../shared/errors.ts';
import { readManifest, writeManifest } from '../../hasher/manifest.ts';
import { chunkBytes } from '../../hasher/protocol.ts';
import type { Manifests } from '../../ports/manifests.ts';

export const createManifests = ({ folder }: { readonly folder: string }): Manifests => ({
  read: async (root) => {
    const found = await readManifest(folder, root);
    if (found?.chunkBytes !== chunkBytes) return null;
    return { totalBytes: found.totalBytes, digests: found.digests.map((digest) => digest.toString('hex')) };
  },
  write: async ({ totalBytes, digests }) => {
    const bytes = digests.map((digest) => Buffer.from(digest, 'hex'));
    try {
      return await writeManifest({ folder, chunkBytes, totalBytes, digests: bytes });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      throw new AppError('DATA_DIR_FULL', 'The manifest was not kept: no space is left.', undefined, { cause: error });
    }
  },
});
