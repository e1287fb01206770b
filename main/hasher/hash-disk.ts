import { createHash } from 'node:crypto';
import { type ChunkDigests, isZero } from './chunk-digests.ts';
import { alignedSlots, type ByteSource } from './disk-source.ts';
import { chunkBytes, exitCode } from './protocol.ts';
import { Trouble } from './trouble.ts';

const slotCount = 8;
const readAhead = 4;

/**
 * Three things at once: the next chunks are read (in libuv's threads), the whole is hashed here, the chunk is hashed
 * on the worker. A slot is read into again only when both hashes are done with it.
 */
export async function hashRange(request: {
  readonly source: ByteSource;
  readonly bytes: number;
  readonly sequential: boolean;
  readonly chunks: ChunkDigests;
  readonly onProgress: (bytes: number) => void;
}): Promise<{ readonly sha256: string; readonly digests: readonly Buffer[] }> {
  const { source, bytes, chunks } = request;
  const count = Math.ceil(bytes / chunkBytes);
  const slots = alignedSlots(slotCount);
  const whole = createHash('sha256');
  const digests: Promise<Buffer>[] = [];
  const lengthOf = (index: number) => Math.min(chunkBytes, bytes - index * chunkBytes);
  const reads: Promise<Buffer>[] = [];
  const startRead = (index: number): void => {
    const slot = slots[index % slotCount];
    if (slot === undefined) throw new Error('no slot');
    const free = index >= slotCount ? digests[index - slotCount] : undefined;
    // A stream has one order; a disk may be read at two places at once.
    const before = request.sequential ? reads[index - 1] : undefined;
    const read = Promise.all([free, before])
      .then(() => source.fill(slot, index * chunkBytes, lengthOf(index)))
      .then(() => slot);
    read.catch(() => undefined);
    reads.push(read);
  };
  for (let index = 0; index < Math.min(readAhead, count); index += 1) startRead(index);
  for (let index = 0; index < count; index += 1) {
    const slot = await (reads[index] as Promise<Buffer>);
    const digest = chunks.digest(slot, lengthOf(index));
    digest.catch(() => undefined);
    digests.push(digest);
    if (index + readAhead < count) startRead(index + readAhead);
    whole.update(slot.subarray(0, lengthOf(index)));
    request.onProgress(index * chunkBytes + lengthOf(index));
  }
  return { digests: await Promise.all(digests), sha256: whole.digest('hex') };
}

/** The listed chunks only, in their order. `onProgress` counts the bytes that were read. */
export async function hashChunks(request: {
  readonly source: ByteSource;
  readonly bytes: number;
  readonly indices: readonly number[];
  readonly chunks: ChunkDigests;
  readonly onProgress: (bytes: number) => void;
}): Promise<readonly Buffer[]> {
  const { source, bytes, indices, chunks } = request;
  const slots = alignedSlots(readAhead);
  const digests: Promise<Buffer>[] = [];
  let done = 0;
  const readOne = async (at: number, index: number): Promise<Buffer> => {
    const slot = slots[at % readAhead];
    if (slot === undefined) throw new Error('no slot');
    const offset = index * chunkBytes;
    const length = Math.min(chunkBytes, bytes - offset);
    if (length <= 0) throw new Trouble(exitCode.failed, `Chunk ${String(index)} lies past the end of the disk.`);
    await source.fill(slot, offset, length);
    const digest = await chunks.digest(slot, length);
    done += length;
    request.onProgress(done);
    return digest;
  };
  for (const [at, index] of indices.entries()) {
    // A slot is read into again only when the digest of what it held is there.
    if (at >= readAhead) await digests[at - readAhead];
    const digest = readOne(at, index);
    digest.catch(() => undefined);
    digests.push(digest);
  }
  return await Promise.all(digests);
}

/** True when every byte of [from, to) is zero; reads aligned and looks only at what was asked. */
export async function rangeIsZero(request: {
  readonly source: ByteSource;
  readonly from: number;
  readonly to: number;
  readonly onProgress: (bytes: number) => void;
}): Promise<boolean> {
  const { source, from, to } = request;
  const slots = alignedSlots(readAhead);
  const first = Math.floor(from / chunkBytes);
  const last = Math.ceil(to / chunkBytes);
  const reads: Promise<Buffer>[] = [];
  const startRead = (index: number): void => {
    const slot = slots[index % readAhead];
    if (index >= last || slot === undefined) return;
    const length = Math.min(chunkBytes, to - index * chunkBytes);
    const read = source.fill(slot, index * chunkBytes, length).then(() => slot.subarray(0, length));
    read.catch(() => undefined);
    reads.push(read);
  };
  for (let index = first; index < first + readAhead; index += 1) startRead(index);
  for (let index = first; index < last; index += 1) {
    const bytes = await (reads.shift() as Promise<Buffer>);
    const start = Math.max(0, from - index * chunkBytes);
    if (!isZero(bytes.subarray(start))) {
      // The reads ahead must not outlive the answer.
      await Promise.allSettled(reads);
      return false;
    }
    startRead(index + readAhead);
    request.onProgress(index * chunkBytes + bytes.length - from);
  }
  return true;
}
