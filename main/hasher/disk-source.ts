import type { OpenDisk } from './open-disk.ts';
import { chunkBytes, exitCode } from './protocol.ts';
import { Trouble } from './trouble.ts';

/** Part of the runtime, but not of the language library that this folder is compiled with. */
declare const WebAssembly: {
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }) => { readonly buffer: SharedArrayBuffer };
};

/** Reads into slots of page-aligned memory, which O_DIRECT demands; a WebAssembly memory is page aligned. */
export function alignedSlots(count: number): Buffer[] {
  const pages = (count * chunkBytes) / 65_536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return Array.from({ length: count }, (_, slot) => Buffer.from(memory.buffer, slot * chunkBytes, chunkBytes));
}

export type ByteSource = {
  /** Fills the slot from `offset`; answers only when `length` bytes are there. */
  fill(slot: Buffer, offset: number, length: number): Promise<void>;
};

const sectorBytes = 512;

export function diskSource({ file }: OpenDisk): ByteSource {
  let hasRead = false;
  return {
    fill: async (slot, offset, length) => {
      let filled = 0;
      while (filled < length) {
        // Whole slot: O_DIRECT wants aligned lengths, and a read past the end is simply short.
        const rest = chunkBytes - filled;
        const { bytesRead } = await file.read(slot, filled, rest, offset + filled).catch((error: unknown) => {
          throw readTrouble(error, { offset: offset + filled, isFirst: !hasRead });
        });
        if (bytesRead === 0) {
          throw new Trouble(exitCode.integrity, `The disk ends at byte ${offset + filled}.`);
        }
        hasRead = true;
        filled += bytesRead;
        if (filled < length && filled % sectorBytes !== 0) {
          throw new Trouble(exitCode.integrity, `The disk ends inside a sector at byte ${offset + filled}.`);
        }
      }
    },
  };
}

function readTrouble(error: unknown, { offset, isFirst }: { offset: number; isFirst: boolean }): Trouble {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EINVAL' && isFirst) return new Trouble(exitCode.directRefused, message);
  return new Trouble(exitCode.integrity, `Reading at byte ${offset} failed: ${message}`);
}

/** Bytes that arrive on standard input, in order. */
export function streamSource(stream: AsyncIterable<Buffer>): ByteSource {
  const chunks = stream[Symbol.asyncIterator]();
  let pending: Buffer = Buffer.alloc(0);
  return {
    fill: async (slot, offset, length) => {
      let filled = 0;
      while (filled < length) {
        if (pending.length === 0) {
          const next = await chunks.next();
          if (next.done === true) throw new Trouble(exitCode.integrity, `The source ends at byte ${offset + filled}.`);
          pending = next.value;
        }
        const taken = pending.copy(slot, filled, 0, length - filled);
        filled += taken;
        pending = pending.subarray(taken);
      }
    },
  };
}
