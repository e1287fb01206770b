import type { Mapping } from '../domain/device.ts';
import type { Extent } from '../domain/extent.ts';
import type { SourceImage } from '../domain/vm.ts';
import type { Signalled, Waiting } from './signalled.ts';

export type Hash = {
  /** SHA-256 of the first `bytes` bytes, hex: what `head -c BYTES DISK | sha256sum` prints. */
  readonly sha256: string;
  readonly bytes: number;
  /** Name of the manifest (SHA-256 over its 4 MiB chunk digests and sizes), stored under DIR/manifests/<root>. */
  readonly manifestRoot: string;
  /**
   * How the bytes were read. A device: O_DIRECT, or cache dropped first where the file system refuses O_DIRECT (rule
   * N2). A source: `stream`, in order through the page cache, which is its own truth there.
   */
  readonly reader: 'direct' | 'cache-dropped' | 'stream';
};

export type DeviceHash = Hash & {
  /** True when every byte past `bytes` up to the end of the device reads as zero (rule M5). */
  readonly tailIsZero: boolean;
  readonly deviceBytes: number;
};

/** `bytes`: capacity of the source disk. Chunk i covers [i * 4 MiB, min((i + 1) * 4 MiB, bytes)); `chunks` is sorted, each once. */
export type ChunkRequest = { readonly bytes: number; readonly chunks: readonly number[] };

/** A program of its own reads and hashes; never this process (rule P2). */
export type DiskHasher = {
  hashSource(
    source: SourceImage,
    bytes: number,
    options: Signalled & { readonly onProgress?: (bytes: number) => void; readonly waiting?: Waiting | undefined },
  ): Promise<Hash>;
  /** Opens the device, checks on the opened descriptor that it is the mapping's, then reads. Throws DEVICE_CHANGED. */
  hashDevice(
    mapping: Mapping,
    bytes: number,
    options: Signalled & { readonly onProgress?: (bytes: number) => void },
  ): Promise<DeviceHash>;
  /** SHA-256 (hex) of the listed 4 MiB chunks, in their order; the last chunk of a disk may be shorter. */
  sourceChunks(
    source: SourceImage,
    request: ChunkRequest,
    options: Signalled & { readonly onProgress?: (bytes: number) => void; readonly waiting?: Waiting | undefined },
  ): Promise<readonly string[]>;
  /** The same of the device, past the cache as hashDevice, with the check of the tail. */
  deviceChunks(
    mapping: Mapping,
    request: ChunkRequest,
    options: Signalled & { readonly onProgress?: (bytes: number) => void },
  ): Promise<{ readonly digests: readonly string[]; readonly tailIsZero: boolean }>;
  /** True when every byte of the range reads as zero; the same check of the descriptor. */
  isZero(mapping: Mapping, range: Extent, options: Signalled): Promise<boolean>;
};
