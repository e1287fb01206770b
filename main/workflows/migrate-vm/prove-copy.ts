import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { CopyContext } from './copy-disk.ts';
import { diskOf } from './disk-of.ts';
import { hash } from './hash-source.ts';
import { proveTarget } from './nbd-export.ts';
import { overBoots } from './over-boots.ts';
import type { CopyPlan } from './plan-copy.ts';
import { reportHashing } from './report-hashing.ts';

const deviceHash = hash.extend({ tailIsZero: z.boolean(), deviceBytes: z.int() });
type SourceHash = z.infer<typeof hash>;
type TargetHash = z.infer<typeof deviceHash>;

/** Rule P1: after the flush and with the export closed, another reader reads the device itself. */
export const hashTarget = (copy: CopyContext): Promise<TargetHash> =>
  copy.context.step('hash-target', {
    input: copy.request,
    ...actOnce(deviceHash, async ({ signal }) => {
      const leave = await copy.parts.workTurns.enter(1, signal);
      try {
        const onProgress = reportHashing(copy, 'hash-target');
        return await overBoots(copy, { signal }, async () => {
          const mapping = await proveTarget(copy, { signal });
          return await copy.parts.hasher.hashDevice(mapping, copy.request.disk.capacityBytes, { signal, onProgress });
        });
      } finally {
        leave();
      }
    }),
  });

type Ends = { readonly plan: CopyPlan; readonly source: SourceHash; readonly target: TargetHash };
const proof = z.object({ sha256: z.string(), manifest_root: z.string() });

/** It could be copied when the copy began: a VM that runs now, or has a snapshot now, is one that changed (rule M7). */
function orChanged(thrown: unknown): never {
  if (!(thrown instanceof AppError) || thrown.code !== 'VM_STATE') throw thrown;
  throw new AppError('SOURCE_CHANGED', thrown.reason ?? thrown.message, thrown.details);
}

/** Both ends read in full and equal, the tail zero, the source unchanged: only then is there a proof. */
export const compareEnds = (
  { parts, context, request }: CopyContext,
  { plan, source, target }: Ends,
): Promise<z.infer<typeof proof>> =>
  context.step('compare', {
    input: { source, target, fingerprint: plan.fingerprint },
    output: proof,
    handle: z.null(),
    observe: async (_begun, options) => {
      const now = await parts.sources.state(request.disk, options).catch(orChanged);
      if (now.fingerprint !== plan.fingerprint) {
        throw new AppError('SOURCE_CHANGED', `${request.disk.image.path} is not what it was when the copy began.`);
      }
      const differs = source.sha256 !== target.sha256 || source.manifestRoot !== target.manifestRoot;
      if (differs || source.bytes !== target.bytes || !target.tailIsZero) {
        throw new AppError(
          'INTEGRITY',
          differs
            ? `${request.disk.label}: source SHA-256 ${source.sha256}, target SHA-256 ${target.sha256}.`
            : `${request.disk.label}: the area past the end of the source is not zero.`,
          { source_sha256: source.sha256, target_sha256: target.sha256, volume_id: request.volume_id },
        );
      }
      return { state: 'done', output: { sha256: target.sha256, manifest_root: target.manifestRoot } };
    },
    act: () => Promise.resolve(null),
    record: (tx) =>
      parts.rows.jobs.patchDisk(tx, diskOf(request), {
        sourceSha256: source.sha256,
        targetSha256: target.sha256,
        manifestRoot: target.manifestRoot,
        reader: target.reader,
      }),
  });
