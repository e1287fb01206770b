import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { nextFraction, type RandomState } from '../random.ts';

export type Piece = { readonly offset: number; readonly length: number };

const CHUNK = 1024 * 1024;

/**
 * Bytes that look random, no block of them zero, the same on every machine: SplitMix32 over a counter. Plain
 * arithmetic, because the ciphers of some runtimes that the console runs on are twenty times slower.
 */
export function* seededBytes(seed: string, length: number): Generator<Buffer> {
  let counter = createHash('sha256').update(seed).digest().readInt32LE(0);
  for (let left = length; left > 0; left -= CHUNK) {
    const words = new Int32Array(CHUNK / 4);
    for (let index = 0; index < words.length; index += 1) {
      counter = (counter + 0x9e3779b9) | 0;
      let mixed = Math.imul(counter ^ (counter >>> 16), 0x21f0aaad);
      mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
      words[index] = mixed ^ (mixed >>> 15);
    }
    yield Buffer.from(words.buffer, 0, Math.min(left, CHUNK));
  }
}

export async function writeSeeded(file: FileHandle, seed: string, { offset, length }: Piece): Promise<void> {
  let at = offset;
  for (const bytes of seededBytes(seed, length)) {
    await file.write(bytes, 0, bytes.length, at);
    at += bytes.length;
  }
}

/**
 * `count` pieces of together about `bytes`, at sector boundaries, with the first and the last sector always among them:
 * a copy that loses either end of a disk must not look right.
 */
export function scatter(seed: string, sizeBytes: number, { bytes, count }: { bytes: number; count: number }): Piece[] {
  const random: RandomState = { value: createHash('sha256').update(seed).digest().readUInt32LE(0) };
  const slot = Math.floor(sizeBytes / count / 512);
  const pieces: Piece[] = [{ offset: 0, length: 512 }];
  for (let index = 0; index < count; index += 1) {
    const share = 0.5 + nextFraction(random);
    const sectors = Math.max(1, Math.min(Math.floor((bytes / count / 512) * share), slot));
    const lead = Math.floor(nextFraction(random) * (slot - sectors + 1));
    pieces.push({ offset: (index * slot + lead) * 512, length: sectors * 512 });
  }
  pieces.push({ offset: sizeBytes - 512, length: 512 });
  return pieces;
}
