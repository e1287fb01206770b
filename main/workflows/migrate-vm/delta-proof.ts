import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { chunkBytes, chunkCount } from '../../domain/chunks.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { Manifest } from '../../ports/manifests.ts';
import type { Waiting } from '../../ports/signalled.ts';
import type { Tx } from '../../ports/store.ts';
import type { CopyContext, Verdict } from './copy-disk.ts';
import { diskOf, replicaOf } from './disk-of.ts';
import { type Proof, readRetries } from './full-proof.ts';
import { lostContact } from './lost-contact.ts';
import { proveTarget } from './nbd-export.ts';
import { overBoots } from './over-boots.ts';
import type { CopyPlan, DeltaBase } from './plan-copy.ts';
import { reportHashing } from './report-hashing.ts';
import { requireUnchanged, warnOfDifference } from './what-differs.ts';

const digests = z.array(z.string());
const targetChunks = z.object({ digests, tailIsZero: z.boolean() });

/** What was sent and a sample of what was not are read at both ends; the rest is carried from the last proof (rule P3). */
export function proveDelta(copy: CopyContext, plan: CopyPlan, base: DeltaBase): Proof {
  const chunks = [...base.touched, ...base.sample].sort((a, b) => a - b);
  const delta: Delta = { copy, plan, base, chunks };
  const source = readSource(delta);
  return {
    source,
    compare: async () => compareChunks(delta, { source: await source, target: await readTarget(delta) }),
  };
}

type Delta = {
  readonly copy: CopyContext;
  readonly plan: CopyPlan;
  readonly base: DeltaBase;
  /** All that are read, in order. */
  readonly chunks: readonly number[];
};

const readRequest = ({ copy, chunks }: Delta) => ({ bytes: copy.request.disk.capacityBytes, chunks });

const readSource = (delta: Delta): Promise<readonly string[]> => {
  const { parts, context, request } = delta.copy;
  return context.step('read-source-chunks', {
    input: request,
    retries: readRetries,
    uncounted: lostContact,
    ...actOnce(digests, async ({ signal }) => {
      const onProgress = reportHashing(delta.copy, 'hash-source', delta.chunks.length * chunkBytes);
      const waiting: Waiting = (reason, work) => context.waiting(reason, work);
      const options = { signal, onProgress, waiting };
      return [...(await parts.hasher.sourceChunks(request.disk.image, readRequest(delta), options))];
    }),
  });
};

/** Rule P1: after the flush and with the export closed, past the cache. */
const readTarget = (delta: Delta): Promise<z.infer<typeof targetChunks>> => {
  const { parts, context, request } = delta.copy;
  return context.step('read-target-chunks', {
    input: request,
    ...actOnce(targetChunks, async ({ signal }) => {
      const leave = await parts.workTurns.enter(1, signal);
      try {
        const onProgress = reportHashing(delta.copy, 'hash-target', delta.chunks.length * chunkBytes);
        return await overBoots(delta.copy, { signal }, async () => {
          const mapping = await proveTarget(delta.copy, { signal });
          const read = await parts.hasher.deviceChunks(mapping, readRequest(delta), { signal, onProgress });
          return { digests: [...read.digests], tailIsZero: read.tailIsZero };
        });
      } finally {
        leave();
      }
    }),
  });
};

type Ends = { readonly source: readonly string[]; readonly target: z.infer<typeof targetChunks> };
const verdict = z.union([
  z.object({ proved: z.object({ proof: z.literal('delta'), manifest_root: z.string() }) }),
  z.object({ copyAgainBecause: z.string() }),
]);

const compareChunks = (delta: Delta, ends: Ends): Promise<Verdict> => {
  const { copy, plan, base } = delta;
  const { parts, context, request } = copy;
  return context.step('compare', {
    input: { request, fingerprint: plan.fingerprint, chunks: delta.chunks },
    ...actOnce(verdict, async (options) => {
      await requireUnchanged(copy, plan, options);
      const carried = await parts.manifests.read(base.manifestRoot);
      if (carried === null) return { copyAgainBecause: 'The manifest of the last copy is missing or damaged.' };
      refuseWhatWasSentWrong(delta, ends);
      const because = whyAgain(delta, ends, carried);
      if (because !== null) return { copyAgainBecause: because };
      const manifest = carriedOn(delta, ends, carried);
      return { proved: { proof: 'delta' as const, manifest_root: await parts.manifests.write(manifest) } };
    }),
    record: async (tx, found) => {
      if ('copyAgainBecause' in found) await warnOfDifference(copy, tx, found.copyAgainBecause);
      else await recordProof(delta, tx, found.proved.manifest_root);
    },
  });
};

/** A chunk that this copy sent must be equal at both ends: there is no other explanation than a fault on the way. */
function refuseWhatWasSentWrong({ copy, base, chunks }: Delta, { source, target }: Ends): void {
  const { disk, volume_id: volumeId } = copy.request;
  const sent = new Set(base.touched);
  const at = chunks.findIndex((chunk, index) => sent.has(chunk) && source[index] !== target.digests[index]);
  if (at < 0) return;
  const place = `the 4 MiB at ${String((chunks[at] ?? 0) * chunkBytes)}`;
  throw new AppError(
    'INTEGRITY',
    `${disk.label}: ${place} were sent; source SHA-256 ${String(source[at])}, target SHA-256 ${String(target.digests[at])}.`,
    { chunk: chunks[at], volume_id: volumeId },
  );
}

/** Carried chunks and the tail must be what the last proof found; what is not is mended by a full copy. */
function whyAgain({ base, chunks }: Delta, { source, target }: Ends, carried: Manifest): string | null {
  if (!target.tailIsZero) return 'The area past the end of the source is no longer zero.';
  const sample = new Set(base.sample);
  for (const [index, chunk] of chunks.entries()) {
    if (!sample.has(chunk)) continue;
    const place = `The sample at byte ${String(chunk * chunkBytes)}`;
    const proved = carried.digests[chunk];
    if (source[index] !== proved) return `${place} changed at the source, and vCenter did not tell of it.`;
    if (target.digests[index] !== proved) return `${place} is no longer on the volume what was proved there.`;
  }
  return null;
}

/** The last manifest with everything in it that was read now. */
function carriedOn({ copy, chunks }: Delta, { target }: Ends, carried: Manifest): Manifest {
  const totalBytes = copy.request.disk.capacityBytes;
  const read = new Map(chunks.map((chunk, index) => [chunk, target.digests[index]]));
  const found = Array.from({ length: chunkCount(totalBytes) }, (_, chunk) => read.get(chunk) ?? carried.digests[chunk]);
  const known = found.filter((digest) => digest !== undefined);
  if (known.length !== found.length) throw new AppError('INTERNAL', 'A chunk was neither read nor carried.');
  return { totalBytes, digests: known };
}

/** Rule J6: change id, manifest and generation in the transaction of the proof. */
async function recordProof({ copy, plan, base, chunks }: Delta, tx: Tx, manifestRoot: string): Promise<void> {
  const { parts, request } = copy;
  const { snapshot } = request;
  await parts.rows.jobs.patchDisk(tx, diskOf(request), {
    manifestRoot,
    chunksRead: chunks.length,
    chunksCarried: chunkCount(request.disk.capacityBytes) - chunks.length,
    carriedFrom: base.jobId,
  });
  if (snapshot === null || snapshot.change_id === null || plan.generation === null) return;
  await parts.rows.replicas.put(tx, {
    ...replicaOf(copy.request),
    changeId: snapshot.change_id,
    manifestRoot,
    generation: plan.generation,
    capacityBytes: request.disk.capacityBytes,
    volumeBytes: request.volume_bytes,
    jobId: request.job_id,
    sampleCursor: base.nextCursor,
  });
}
