/** What the hashing program and the daemon say to each other: one JSON object a line on stdout, an exit code at the end. */
export const exitCode = { done: 0, failed: 1, deviceChanged: 3, integrity: 4, directRefused: 5, noSpace: 6 } as const;

export const chunkBytes = 4 * 1024 * 1024;

export type Reader = 'direct' | 'cache-dropped' | 'stream';

/** A device number is given to another disk once the first is gone; the sequence number of the entry that bears it is not. */
export type DiskIdentity = {
  /** `major:minor` of a block device, `st_dev:st_ino` of a file standing in for one. */
  readonly dev: string;
  /** The device's entry in sysfs; null `diskseq` on kernels without it. */
  readonly sysFolder: string;
  readonly diskseq: string | null;
};

/** The one argument of the program, as JSON. Holds no secret: paths and numbers. */
export type HasherJob =
  | {
      readonly mode: 'hash';
      /** null reads standard input. */
      readonly path: string | null;
      readonly reader: Reader;
      /** What the opened descriptor must be; null for a source. */
      readonly identity: DiskIdentity | null;
      readonly bytes: number;
      /** Whole size of the device; what lies past `bytes` is tested for zeroes. Equal to `bytes` for a source. */
      readonly deviceBytes: number;
      readonly manifestsDir: string;
    }
  | {
      readonly mode: 'chunks';
      /** A disk, or the Unix socket of an NBD server that reads one. */
      readonly path: string;
      readonly through: 'file' | 'nbd';
      readonly reader: Reader;
      readonly identity: DiskIdentity | null;
      readonly bytes: number;
      readonly deviceBytes: number;
      /** JSON file with the numbers of the chunks: too many for an argument. */
      readonly chunksPath: string;
    }
  | {
      readonly mode: 'zero';
      readonly path: string;
      readonly reader: Reader;
      readonly identity: DiskIdentity;
      readonly deviceBytes: number;
      readonly offset: number;
      readonly length: number;
    };

export type HasherLine =
  | { readonly kind: 'progress'; readonly bytes: number }
  | { readonly kind: 'hash'; readonly sha256: string; readonly manifestRoot: string; readonly tailIsZero: boolean }
  | { readonly kind: 'chunks'; readonly digests: readonly string[]; readonly tailIsZero: boolean }
  | { readonly kind: 'zero'; readonly isZero: boolean }
  | { readonly kind: 'trouble'; readonly text: string };
