import { type Extent, normalise } from './extent.ts';

/** Manifests tell of a disk in pieces of this size; the last one may be shorter. */
export const chunkBytes = 4 * 1024 ** 2;

/** A mover reads and writes whole grains; areas are rounded out to them, so that what is planned is what is sent. */
export const grainBytes = 256 * 1024;

export const chunkCount = (capacityBytes: number): number => Math.ceil(capacityBytes / chunkBytes);

/** Numbers of the chunks that any of the areas touches, sorted, each once. */
export function chunksOf(areas: readonly Extent[]): number[] {
  const found = new Set<number>();
  for (const { offset, length } of areas) {
    const last = Math.floor((offset + length - 1) / chunkBytes);
    for (let index = Math.floor(offset / chunkBytes); index <= last; index += 1) found.add(index);
  }
  return [...found].sort((a, b) => a - b);
}

/** The areas in whole grains, as far as the disk goes. */
export const inGrains = (
  areas: readonly Extent[],
  { grain = grainBytes, capacityBytes }: { readonly grain?: number; readonly capacityBytes: number },
): Extent[] =>
  normalise(
    areas.map(({ offset, length }) => {
      const from = Math.floor(offset / grain) * grain;
      const to = Math.min(capacityBytes, Math.ceil((offset + length) / grain) * grain);
      return { offset: from, length: to - from };
    }),
  );

export type Sample = { readonly chunks: readonly number[]; readonly nextCursor: number };

/**
 * Which carried chunks are read again now: a window that goes round the disk, so that within ceil(100 / percent) runs
 * every chunk was read (rule P3). It goes on until at least one carried chunk is in it, if there is any.
 */
export function rotatingSample(request: {
  readonly capacityBytes: number;
  readonly touched: readonly number[];
  readonly cursor: number;
  readonly percent: number;
}): Sample {
  const count = chunkCount(request.capacityBytes);
  const touched = new Set(request.touched);
  const window = Math.min(count, Math.ceil((count * request.percent) / 100));
  const chunks: number[] = [];
  let passed = 0;
  while (passed < count && (passed < window || chunks.length === 0)) {
    const index = (request.cursor + passed) % count;
    if (!touched.has(index)) chunks.push(index);
    passed += 1;
  }
  return { chunks: chunks.sort((a, b) => a - b), nextCursor: (request.cursor + passed) % count };
}
