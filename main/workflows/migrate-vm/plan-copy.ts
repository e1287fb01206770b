import { z } from 'zod';
import { totalBytes } from '../../domain/extent.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { CopyContext } from './copy-disk.ts';
import { diskOf } from './disk-of.ts';
import { cutSegments } from './segments.ts';

const extent = z.object({ offset: z.int(), length: z.int() });
const plan = z.object({ fingerprint: z.string(), allocated: z.array(extent) });
export type CopyPlan = z.infer<typeof plan>;

/** Fixes what the source is before a byte moves: its identity and the areas that hold data. */
export const planCopy = ({ parts, context, request }: CopyContext): Promise<CopyPlan> =>
  context.step('plan', {
    input: request,
    ...actOnce(plan, async (options) => {
      const { fingerprint } = await parts.sources.state(request.disk, options);
      return { fingerprint, allocated: [...(await parts.sources.allocated(request.disk.image, options))] };
    }),
    record: (tx, made) =>
      parts.rows.jobs.patchDisk(tx, diskOf(request), {
        bytesTotal: totalBytes(made.allocated),
        segmentsTotal: cutSegments(request.disk.capacityBytes, request.segment_bytes).length,
      }),
  });
