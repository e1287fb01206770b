import { createHash } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { chunkBytes } from './protocol.ts';

/** Digests of 4 MiB chunks on a second thread, beside the hash of the whole: two passes over the same memory. */
export type ChunkDigests = {
  /** The slot must stay untouched until the promise settles. */
  digest(slot: Buffer, length: number): Promise<Buffer>;
  stop(): Promise<void>;
};

export type DigestRequest = { readonly buffer: SharedArrayBuffer; readonly offset: number; readonly length: number };

const zeroes = Buffer.alloc(chunkBytes);

export const isZero = (bytes: Buffer): boolean => bytes.equals(zeroes.subarray(0, bytes.length));

export function createChunkDigests(programPath: string): ChunkDigests {
  const worker = new Worker(programPath);
  const waiting: { resolve: (digest: Buffer) => void; reject: (error: unknown) => void }[] = [];
  worker.on('message', (digest: Uint8Array) => {
    waiting.shift()?.resolve(Buffer.from(digest));
  });
  worker.on('error', (error) => {
    for (const { reject } of waiting.splice(0)) reject(error);
  });
  const zeroDigest = createHash('sha256').update(zeroes).digest();
  return {
    digest: async (slot, length) => {
      const bytes = slot.subarray(0, length);
      if (length === chunkBytes && isZero(bytes)) return zeroDigest;
      return await new Promise<Buffer>((resolve, reject) => {
        waiting.push({ resolve, reject });
        const request: DigestRequest = {
          buffer: slot.buffer as unknown as SharedArrayBuffer,
          offset: slot.byteOffset,
          length,
        };
        worker.postMessage(request);
      });
    },
    stop: async () => {
      await worker.terminate();
    },
  };
}

export function digestOf({ buffer, offset, length }: DigestRequest): Buffer {
  return createHash('sha256')
    .update(Buffer.from(buffer as unknown as ArrayBuffer, offset, length))
    .digest();
}
