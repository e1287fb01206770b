import { describe, expect, test } from 'vitest';
import { chunkBytes, chunkCount, chunksOf, grainBytes, inGrains, rotatingSample } from './chunks.ts';

const capacityBytes = 37 * chunkBytes + 512;

describe('chunks of a disk', () => {
  test('an area touches every chunk that it has a byte in', () => {
    expect(
      chunksOf([
        { offset: chunkBytes - 1, length: 2 },
        { offset: 5 * chunkBytes, length: chunkBytes },
      ]),
    ).toEqual([0, 1, 5]);
    expect(
      chunksOf([
        { offset: 7, length: 1 },
        { offset: 9, length: 1 },
      ]),
    ).toEqual([0]);
    expect(chunksOf([])).toEqual([]);
  });

  test('areas are sent in whole grains, and no further than the disk goes', () => {
    expect(
      inGrains(
        [
          { offset: 3, length: 1 },
          { offset: grainBytes + 5, length: 1 },
        ],
        { capacityBytes },
      ),
    ).toEqual([{ offset: 0, length: 2 * grainBytes }]);
    expect(inGrains([{ offset: capacityBytes - 1, length: 1 }], { capacityBytes })).toEqual([
      { offset: 37 * chunkBytes, length: 512 },
    ]);
  });
});

describe('rule P3: the sample of carried chunks', () => {
  test.each([1, 5, 7, 34, 100])('%i percent: every chunk is read again within ceil(100 / percent) runs', (percent) => {
    const seen = new Set<number>();
    let cursor = 11;
    for (let run = 0; run < Math.ceil(100 / percent); run += 1) {
      const touched = [run % chunkCount(capacityBytes), 20];
      const sample = rotatingSample({ capacityBytes, touched, cursor, percent });
      expect(sample.chunks.length).toBeGreaterThan(0);
      expect(sample.chunks).not.toEqual(expect.arrayContaining([20]));
      for (const chunk of [...sample.chunks, ...touched]) seen.add(chunk);
      cursor = sample.nextCursor;
    }
    expect(seen.size).toBe(chunkCount(capacityBytes));
  });

  test('where the window holds only what was sent, it goes on to the next carried chunk', () => {
    const touched = [0, 1, 2, 3];
    expect(rotatingSample({ capacityBytes, touched, cursor: 0, percent: 5 })).toEqual({ chunks: [4], nextCursor: 5 });
  });

  test('nothing is carried: nothing is sampled', () => {
    const touched = Array.from({ length: chunkCount(capacityBytes) }, (_, index) => index);
    expect(rotatingSample({ capacityBytes, touched, cursor: 3, percent: 5 }).chunks).toEqual([]);
  });
});
