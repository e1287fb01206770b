import { z } from 'zod';
import { type Extent, totalBytes } from '../../domain/extent.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { SegmentRow } from '../../ports/rows.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { CopyContext } from './copy-disk.ts';
import { diskOf } from './disk-of.ts';
import { notTheRunItself } from './lost-contact.ts';
import { openExport, proveTarget } from './nbd-export.ts';
import { overBoots } from './over-boots.ts';
import type { CopyPlan } from './plan-copy.ts';
import { extentsOf, type Segment } from './segments.ts';

export type Sending = {
  readonly plan: CopyPlan;
  readonly segment: Segment;
  /** The mapping under which the device was proved blank before its first export; null when it was not. */
  readonly blankMapping: string | null;
};

/** What a disk can be retried without a person: movers and servers that died, not wrong devices. */
const retries = 5;
const sent = z.object({ bytes: z.int() });

/** One window of the disk, recorded after its flush (rule M4). */
export async function sendSegment(copy: CopyContext, sending: Sending): Promise<void> {
  const { parts, context, request } = copy;
  const { segment, plan } = sending;
  await context.step(`segment:${segment.name}`, {
    input: { volume_id: request.volume_id, window: segment.window, fingerprint: plan.fingerprint },
    retries,
    uncounted: notTheRunItself,
    ...actOnce(sent, async ({ signal }) => {
      const leave = await parts.workTurns.enter(1, signal);
      try {
        return { bytes: await overBoots(copy, { signal }, () => sendOnce(copy, sending, { signal })) };
      } finally {
        leave();
      }
    }),
    record: async (tx, { bytes }) => {
      const rows = await parts.rows.segments.of(request.job_id, request.disk.key);
      const others = rows.filter((row) => row.done && row.name !== segment.name);
      const attempts = attemptsOf(rows, segment);
      await parts.rows.segments.put(tx, { ...keyOf(copy, segment), attempts, bytesWritten: bytes, done: true });
      await parts.rows.jobs.patchDisk(tx, diskOf(request), {
        bytesCopied: bytes + writtenBy(others),
        segmentsDone: [...others.map((row) => row.name), segment.name].filter((name) => name !== 'tail').length,
        ...(await grownTotal(copy, bytes - totalBytes(extentsOf(segment, plan, true)))),
      });
    },
  });
}

const keyOf = ({ request }: CopyContext, segment: Segment) => ({ ...diskOf(request), name: segment.name });
const attemptsOf = (rows: readonly SegmentRow[], segment: Segment): number =>
  rows.find((row) => row.name === segment.name)?.attempts ?? 0;
const writtenBy = (rows: readonly SegmentRow[]): number => rows.reduce((total, row) => total + row.bytesWritten, 0);

/** A segment that had to be sent whole, holes included, makes the plan larger by that much. */
async function grownTotal({ parts, request }: CopyContext, moreBytes: number): Promise<{ bytesTotal?: number }> {
  if (moreBytes <= 0) return {};
  const job = await parts.rows.jobs.get(request.job_id);
  const planned = job?.disks.find((disk) => disk.key === request.disk.key)?.bytes_total ?? 0;
  return { bytesTotal: planned + moreBytes };
}

/** One mover run. Its intent row is what ends the blankness of the segment (rule M3). */
async function sendOnce(copy: CopyContext, sending: Sending, { signal }: Signalled): Promise<number> {
  const { parts, request } = copy;
  const rows = await parts.rows.segments.of(request.job_id, request.disk.key);
  const attempts = attemptsOf(rows, sending.segment);
  const current = await proveTarget(copy, { signal });
  const blank = attempts === 0 && current.id === sending.blankMapping;
  const extents = extentsOf(sending.segment, sending.plan, blank);
  if (extents.length === 0) return 0;
  await parts.mover.stopEarlier?.({ source: request.disk.image, jobId: request.job_id }, { signal });
  const target = await openExport(copy, { signal });
  await writeIntent(copy, sending.segment, rows);
  await parts.exports.fence(target.mapping, { signal });
  const result = await parts.mover.copySegment(
    {
      source: request.disk.image,
      sourceBytes: request.disk.capacityBytes,
      target,
      mapping: target.mapping,
      extents,
      attempt: rows.reduce((total, row) => total + row.attempts, 1),
      jobId: request.job_id,
      waiting: (reason, work) => copy.context.waiting(reason, work),
      onProgress: progressOf(copy, sending.plan.areas, writtenBy(rows.filter((row) => row.done))),
    },
    { signal },
  );
  return result.bytesWritten;
}

async function writeIntent(copy: CopyContext, segment: Segment, rows: readonly SegmentRow[]): Promise<void> {
  const { parts, context, request } = copy;
  const attempts = attemptsOf(rows, segment) + 1;
  await context.write(async (tx) => {
    await parts.rows.segments.put(tx, { ...keyOf(copy, segment), attempts, bytesWritten: 0, done: false });
    if (attempts === 1) return;
    const segmentsResent = rows.filter((row) => row.attempts > 1 && row.name !== segment.name).length + 1;
    await parts.rows.jobs.patchDisk(tx, diskOf(request), { segmentsResent });
  });
}

const progressOf =
  ({ parts, request }: CopyContext, areas: readonly Extent[], beforeBytes: number) =>
  (bytes: number): void => {
    parts.progress.report({
      job_id: request.job_id,
      disk_key: request.disk.key,
      activity: 'transfer',
      bytes_done: beforeBytes + bytes,
      bytes_total: Math.max(totalBytes(areas), beforeBytes + bytes),
      clients: 1,
    });
  };
