import { z } from 'zod';
import { actOnce } from '../../engine/act-once.ts';
import type { CopyContext } from './copy-disk.ts';
import { reportHashing } from './report-hashing.ts';

export const hash = z.object({
  sha256: z.string(),
  bytes: z.int(),
  manifestRoot: z.string(),
  reader: z.enum(['direct', 'cache-dropped', 'buffered', 'stream']),
});

/** What is tried again without a person: a server in front of the source that died, or a datastore that gave up in the middle. */
const retries = 5;

export const hashSource = (copy: CopyContext): Promise<z.infer<typeof hash>> =>
  copy.context.step('hash-source', {
    input: copy.request,
    retries,
    ...actOnce(hash, ({ signal }) => {
      const { image, capacityBytes } = copy.request.disk;
      return copy.parts.hasher.hashSource(image, capacityBytes, {
        signal,
        waiting: (reason, work) => copy.context.waiting(reason, work),
        onProgress: reportHashing(copy, 'hash-source'),
      });
    }),
  });
