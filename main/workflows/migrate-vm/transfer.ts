import { z } from 'zod';
import { actOnce } from '../../engine/act-once.ts';
import type { CopyContext } from './copy-disk.ts';
import { diskOf } from './disk-of.ts';
import { openFirst, proveTarget } from './nbd-export.ts';
import { overBoots } from './over-boots.ts';
import type { CopyPlan } from './plan-copy.ts';
import { cutSegments } from './segments.ts';
import { type Sending, sendSegment } from './send-segment.ts';

/** Sends every segment that is not on the target yet, in order, then sees to the tail. */
export async function transfer(copy: CopyContext, plan: CopyPlan): Promise<void> {
  const { parts, context, request } = copy;
  const enter = (phase: 'export' | 'transfer'): Promise<void> =>
    context.write((tx) => parts.rows.jobs.enterPhase(tx, diskOf(request), phase));
  await enter('export');
  const blankMapping = await proveBlank(copy);
  await openFirst(copy);
  await enter('transfer');
  for (const segment of cutSegments(request.disk.capacityBytes, request.segment_bytes)) {
    await sendSegment(copy, { plan, segment, blankMapping });
  }
  // The tail was proved zero with the last copy, and is read again with this one.
  if (plan.base === null) await sendTail(copy, { plan, blankMapping });
}

/**
 * Rule M3: once per attach and before the first export the whole device is read as zero. The proof is bound to the
 * mapping: a reattach or a new boot makes another mapping, and nothing counts as blank any more.
 */
async function proveBlank(copy: CopyContext): Promise<string | null> {
  const { parts, context, request } = copy;
  const proof = z.object({ mappingId: z.string().nullable() });
  const { mappingId } = await context.step('prove-blank', {
    input: request.volume_id,
    ...actOnce(proof, async ({ signal }) => {
      const volume = await parts.rows.volumes.get(request.volume_id);
      // Made by this migration and never exported, or nothing is blank.
      if (volume?.received_data !== false || volume.job_id !== request.job_id) return { mappingId: null };
      const leave = await parts.workTurns.enter(1, signal);
      try {
        return await overBoots(copy, { signal }, async () => {
          const mapping = await proveTarget(copy, { signal });
          const whole = { offset: 0, length: mapping.device.sizeBytes };
          const blank = await parts.hasher.isZero(mapping, whole, { signal });
          return { mappingId: blank ? mapping.id : null };
        });
      } finally {
        leave();
      }
    }),
  });
  return mappingId;
}

/** Rule M5: what lies past the source's end is zero already, or is written zero. */
async function sendTail(copy: CopyContext, sending: Omit<Sending, 'segment'>): Promise<void> {
  const { parts, context, request } = copy;
  const current = await proveTarget(copy, { signal: context.signal });
  const window = {
    offset: request.disk.capacityBytes,
    length: current.device.sizeBytes - request.disk.capacityBytes,
  };
  if (window.length <= 0 || current.id === sending.blankMapping) return;
  const { zero } = await context.step('look-at-tail', {
    input: { volume_id: request.volume_id, window },
    ...actOnce(z.object({ zero: z.boolean() }), async ({ signal }) => {
      return await overBoots(copy, { signal }, async () => {
        const mapping = await proveTarget(copy, { signal });
        return { zero: await parts.hasher.isZero(mapping, window, { signal }) };
      });
    }),
  });
  if (!zero) await sendSegment(copy, { ...sending, segment: { name: 'tail', window } });
}
