import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { chunksOf, inGrains, rotatingSample } from '../../domain/chunks.ts';
import { type Extent, totalBytes } from '../../domain/extent.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { ReplicaState } from '../../ports/rows.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { Tx } from '../../ports/store.ts';
import type { CopyContext } from './copy-disk.ts';
import { diskOf, replicaOf } from './disk-of.ts';
import { cutSegments } from './segments.ts';

const extent = z.object({ offset: z.int(), length: z.int() });
const deltaBase = z.object({
  manifestRoot: z.string(),
  jobId: z.string(),
  /** Chunks that this copy sends, and carried ones that are read again. */
  touched: z.array(z.int()),
  sample: z.array(z.int()),
  nextCursor: z.int(),
});
const plan = z.object({
  fingerprint: z.string(),
  /** Of a full copy what holds data, of a delta what changed. */
  areas: z.array(extent),
  /** The proof that a delta goes on from; null: all of the disk is copied. */
  base: deltaBase.nullable(),
  fullBecause: z.string().nullable(),
  /** Of the volume, under which the proof will hold; null where the records do not know it. */
  generation: z.int().nullable(),
});
export type CopyPlan = z.infer<typeof plan>;
export type DeltaBase = z.infer<typeof deltaBase>;

/** Fixes what the source is and what is sent of it before a byte moves. */
export const planCopy = (copy: CopyContext): Promise<CopyPlan> =>
  copy.context.step('plan', {
    input: copy.request,
    ...actOnce(plan, async (options) => {
      const { parts, request } = copy;
      const { fingerprint } = await parts.sources.state(request.disk, options);
      const generation = await parts.rows.volumes.generation(request.volume_id);
      const delta = await planDelta(copy, generation, options);
      return typeof delta === 'string'
        ? { fingerprint, generation, areas: await inUse(copy, options), base: null, fullBecause: delta }
        : { fingerprint, generation, ...delta, fullBecause: null };
    }),
    record: (tx, made) => recordPlan(copy, tx, made),
  });

/** What is written here is on disk before the first byte is: a copy that ends halfway leaves no state that seems whole. */
async function recordPlan(copy: CopyContext, tx: Tx, { areas, base, fullBecause }: CopyPlan): Promise<void> {
  const { parts, request } = copy;
  const replica = replicaOf(copy.request);
  if (base === null) await parts.rows.replicas.makeVoid(tx, replica, 'The last full copy did not come to its end.');
  else await parts.rows.replicas.markDirty(tx, replica, areas);
  if (request.again) await parts.rows.segments.clear(tx, diskOf(request));
  await parts.rows.jobs.patchDisk(tx, diskOf(request), {
    mode: base === null ? 'full' : 'delta',
    fullBecause,
    bytesTotal: totalBytes(areas),
    segmentsTotal: cutSegments(request.disk.capacityBytes, request.segment_bytes).length,
    ...(base === null ? {} : { bytesChanged: totalBytes(areas) }),
    ...(request.again ? { bytesCopied: 0, segmentsDone: 0 } : {}),
  });
}

type Delta = { readonly areas: Extent[]; readonly base: DeltaBase };

/** What changed since the last proof, or the reason why that is not enough (rules J6, P3). */
async function planDelta(copy: CopyContext, generation: number | null, options: Signalled): Promise<Delta | string> {
  const { parts, request } = copy;
  if (request.full_because !== null) return request.full_because;
  if (request.snapshot === null) return 'No snapshot is read, so nothing tells what changed.';
  if (request.snapshot.change_id === null) return 'vCenter does not track the changes of this disk.';
  const state = await parts.rows.replicas.get(replicaOf(copy.request));
  if (state === null) {
    const known = await parts.rows.replicas.isKnown(replicaOf(copy.request).sourceDisk);
    return known ? 'Another volume than the one with the last copy is used.' : 'It is the first copy of this disk.';
  }
  const unusable = whyNot(state, { generation, request });
  if (unusable !== null) return unusable;
  const manifest = await parts.manifests.read(state.manifestRoot);
  if (manifest?.totalBytes !== state.capacityBytes) return 'The manifest of the last copy is missing or damaged.';
  const changed = await changedSince(copy, state, options);
  return typeof changed === 'string' ? changed : deltaOf(copy, state, changed);
}

function whyNot(
  state: ReplicaState,
  { generation, request }: { readonly generation: number | null; readonly request: CopyContext['request'] },
): string | null {
  if (state.voidBecause !== null) return state.voidBecause;
  if (state.generation !== generation) return 'Something else than this replication may have written to the volume.';
  if (state.volumeBytes !== request.volume_bytes) return 'The volume has another size than at the last copy.';
  if (state.capacityBytes > request.disk.capacityBytes) return 'The source disk became smaller.';
  return null;
}

async function changedSince(
  { parts, request }: CopyContext,
  state: ReplicaState,
  options: Signalled,
): Promise<readonly Extent[] | string> {
  try {
    return await parts.snapshots.changedAreas(
      {
        ...areasOf(request),
        since: state.changeId,
      },
      options,
    );
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'CHANGES_UNKNOWN') throw error;
    return `What changed cannot be told for certain: ${error.reason ?? error.message}`;
  }
}

const areasOf = ({ source, snapshot, disk }: CopyContext['request']) => ({
  vm: source,
  snapshotMoRef: snapshot?.mo_ref ?? '',
  diskKey: disk.key,
  capacityBytes: disk.capacityBytes,
  until: snapshot?.change_id ?? '',
});

/** What changed, what is new at the end of a grown disk, and what copies without a proof may have left on the volume. */
function deltaOf({ request }: CopyContext, state: ReplicaState, changed: readonly Extent[]): Delta {
  const { capacityBytes } = request.disk;
  const grown = { offset: state.capacityBytes, length: capacityBytes - state.capacityBytes };
  const areas = inGrains([...changed, ...state.dirty, ...(grown.length > 0 ? [grown] : [])], { capacityBytes });
  const touched = chunksOf(areas);
  const { chunks: sample, nextCursor } = rotatingSample({
    capacityBytes,
    touched,
    cursor: state.sampleCursor,
    percent: request.sample_percent,
  });
  const { manifestRoot, jobId } = state;
  return { areas, base: { manifestRoot, jobId, touched, sample: [...sample], nextCursor } };
}

/** What holds data: as change tracking tells it where it can, else as the source does. */
async function inUse({ parts, request }: CopyContext, options: Signalled): Promise<Extent[]> {
  if (request.snapshot !== null && request.snapshot.change_id !== null) {
    try {
      return [...(await parts.snapshots.changedAreas({ ...areasOf(request), since: '*' }, options))];
    } catch (error) {
      // Slower, and nothing is missed: all of it is sent.
      if (!(error instanceof AppError) || error.code !== 'CHANGES_UNKNOWN') throw error;
    }
  }
  return [...(await parts.sources.allocated(request.disk.image, options))];
}
