import { clip, type Extent } from '../../domain/extent.ts';

/** One mover run: a window of the disk. The last one of a disk that was not proved blank is the tail (rule M5). */
export type Segment = { readonly name: string; readonly window: Extent };

export function cutSegments(capacityBytes: number, segmentBytes: number): Segment[] {
  const count = Math.ceil(capacityBytes / segmentBytes);
  return Array.from({ length: count }, (_, index) => {
    const offset = index * segmentBytes;
    return { name: String(index), window: { offset, length: Math.min(segmentBytes, capacityBytes - offset) } };
  });
}

/**
 * Rule M4: on a segment that is still blank only what the source holds; on any other all of it, so that what an
 * interrupted or an earlier run left there is overwritten, zeroes included. Of a delta what changed, also when it is
 * sent again: the rest of the segment is right already.
 */
export const extentsOf = (
  segment: Segment,
  { areas, base }: { readonly areas: readonly Extent[]; readonly base: unknown },
  blank: boolean,
): Extent[] => (blank || base !== null ? clip(areas, segment.window) : [segment.window]);
