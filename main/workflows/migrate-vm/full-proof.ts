import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { CopyContext, Verdict } from './copy-disk.ts';
import { diskOf, replicaOf } from './disk-of.ts';
import { lostContact } from './lost-contact.ts';
import { proveTarget } from './nbd-export.ts';
import { overBoots } from './over-boots.ts';
import type { CopyPlan } from './plan-copy.ts';
import { reportHashing } from './report-hashing.ts';
import { differingChunks, requireUnchanged, warnOfDifference } from './what-differs.ts';

const hash = z.object({
  sha256: z.string(),
  bytes: z.int(),
  manifestRoot: z.string(),
  reader: z.enum(['direct', 'cache-dropped', 'buffered', 'stream']),
});
const deviceHash = hash.extend({ tailIsZero: z.boolean(), deviceBytes: z.int() });
type SourceHash = z.infer<typeof hash>;
type TargetHash = z.infer<typeof deviceHash>;

/** What is tried again without a person: a server in front of the source that died, or a datastore that gave up in the middle. */
export const readRetries = 5;

export type Proof = {
  /** The source is read while it is sent. */
  readonly source: Promise<unknown>;
  /** Once the export is closed. */
  compare(): Promise<Verdict>;
};

/** Both ends are read in full. */
export function proveFull(copy: CopyContext, plan: CopyPlan): Proof {
  const source = hashSource(copy);
  return {
    source,
    compare: async () => compareEnds(copy, { plan, source: await source, target: await hashTarget(copy) }),
  };
}

const hashSource = (copy: CopyContext): Promise<SourceHash> =>
  copy.context.step('hash-source', {
    input: copy.request,
    retries: readRetries,
    uncounted: lostContact,
    ...actOnce(hash, ({ signal }) => {
      const { image, capacityBytes } = copy.request.disk;
      return copy.parts.hasher.hashSource(image, capacityBytes, {
        signal,
        onProgress: reportHashing(copy, 'hash-source', capacityBytes),
        waiting: (reason, work) => copy.context.waiting(reason, work),
      });
    }),
  });

/** Rule P1: after the flush and with the export closed, another reader reads the device itself. */
const hashTarget = (copy: CopyContext): Promise<TargetHash> =>
  copy.context.step('hash-target', {
    input: copy.request,
    ...actOnce(deviceHash, async ({ signal }) => {
      const leave = await copy.parts.workTurns.enter(1, signal);
      try {
        const { capacityBytes } = copy.request.disk;
        const onProgress = reportHashing(copy, 'hash-target', capacityBytes);
        return await overBoots(copy, { signal }, async () => {
          const mapping = await proveTarget(copy, { signal });
          return await copy.parts.hasher.hashDevice(mapping, capacityBytes, { signal, onProgress });
        });
      } finally {
        leave();
      }
    }),
  });

type Ends = { readonly plan: CopyPlan; readonly source: SourceHash; readonly target: TargetHash };
const verdict = z.union([
  z.object({ proved: z.object({ proof: z.literal('full'), manifest_root: z.string() }) }),
  z.object({ copyAgainBecause: z.string() }),
]);

/** Both ends read in full and equal, the tail zero, the source unchanged: only then is there a proof. */
const compareEnds = (copy: CopyContext, ends: Ends): Promise<Verdict> => {
  const { plan, source, target } = ends;
  return copy.context.step('compare', {
    input: { source, target, fingerprint: plan.fingerprint },
    output: verdict,
    handle: z.null(),
    observe: async (_begun, options) => {
      await requireUnchanged(copy, plan, options);
      const because = await whyAgain(copy, ends);
      if (because !== null) return { state: 'done', output: { copyAgainBecause: because } };
      return { state: 'done', output: { proved: { proof: 'full', manifest_root: target.manifestRoot } } };
    },
    act: () => Promise.resolve(null),
    record: async (tx, found) => {
      if ('copyAgainBecause' in found) {
        await warnOfDifference(copy, tx, found.copyAgainBecause);
        return;
      }
      const { parts, request } = copy;
      await parts.rows.jobs.patchDisk(tx, diskOf(request), {
        sourceSha256: source.sha256,
        targetSha256: target.sha256,
        manifestRoot: target.manifestRoot,
        reader: target.reader,
      });
      const { snapshot } = request;
      if (snapshot === null || snapshot.change_id === null || plan.generation === null) return;
      // Rule J6: change id, manifest and generation in the transaction of the proof.
      await parts.rows.replicas.put(tx, {
        ...replicaOf(copy.request),
        changeId: snapshot.change_id,
        manifestRoot: target.manifestRoot,
        generation: plan.generation,
        capacityBytes: request.disk.capacityBytes,
        volumeBytes: request.volume_bytes,
        jobId: request.job_id,
        sampleCursor: plan.base?.nextCursor ?? 0,
      });
    },
  });
};

/** null: they are equal. What differs although this copy did not send it is mended by a full copy; all else is INTEGRITY. */
async function whyAgain({ parts, request }: CopyContext, { plan, source, target }: Ends): Promise<string | null> {
  const differs = source.sha256 !== target.sha256 || source.manifestRoot !== target.manifestRoot;
  if (!differs && source.bytes === target.bytes && target.tailIsZero) return null;
  if (plan.base !== null) {
    const manifests = [source, target].map(({ manifestRoot }) => parts.manifests.read(manifestRoot));
    const [ofSource = null, ofTarget = null] = await Promise.all(manifests);
    const chunks = differingChunks(ofSource, ofTarget);
    const sent = new Set(plan.base.touched);
    if (chunks?.every((index) => !sent.has(index)) === true) {
      return 'The audit found a difference where nothing had been sent.';
    }
  }
  throw new AppError(
    'INTEGRITY',
    differs
      ? `${request.disk.label}: source SHA-256 ${source.sha256}, target SHA-256 ${target.sha256}.`
      : `${request.disk.label}: the area past the end of the source is not zero.`,
    { source_sha256: source.sha256, target_sha256: target.sha256, volume_id: request.volume_id },
  );
}
