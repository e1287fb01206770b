import type { Mapping } from '../domain/device.ts';
import type { Extent } from '../domain/extent.ts';
import type { SourceImage } from '../domain/vm.ts';
import type { OpenExport } from './nbd-exports.ts';
import type { Signalled, Waiting } from './signalled.ts';

export type SegmentRequest = {
  readonly source: SourceImage;
  readonly sourceBytes: number;
  readonly target: OpenExport;
  readonly mapping: Mapping;
  /** What this run writes: sorted, merged, not empty, inside the device. Bytes past the source's end are written as zero. */
  readonly extents: readonly Extent[];
  /** Rises with every run on this volume; names the output files. */
  readonly attempt: number;
  /** Whose limit of the bandwidth counts. */
  readonly jobId?: string;
  /** How it is shown that the mover waits before it can begin. */
  readonly waiting?: Waiting;
  /** Of a mover on this machine: called once with the proof that every connection of it is on the right device, before the gate opens. */
  readonly onGate?: (pids: GateProof) => void;
  /** Bytes really written by the server for this run so far. */
  readonly onProgress?: (bytesWritten: number) => void;
  /** What a mover on another machine needs beside. */
  readonly remote?: RemoteRun;
};

export type RemoteRun = {
  /** Attempts rise within it, per disk. */
  readonly jobId: string;
  /** Shows that nobody can say what becomes of this run, while `work` waits until somebody can (rule M6). */
  readonly whileUnknown: <T>(reason: string, work: () => Promise<T>) => Promise<T>;
};

/** What was read from /proc/<server child>/fd while the gate was shut (rule D4). */
export type GateProof = {
  readonly moverPid: number;
  readonly sourcePid: number;
  readonly connections: readonly { readonly serverPid: number; readonly dev: string }[];
};

export type SegmentResult = {
  readonly bytesWritten: number;
  readonly seconds: number;
  readonly gate: Pick<GateProof, 'connections'>;
};

/** Carries bytes from a source into an open export. Exactly one writer per device at any time (rule M1). */
export type Mover = {
  readonly name: string;
  /**
   * Whatever an earlier attempt of this disk left at work elsewhere is dead when it resolves (rule M6); asked before a new
   * attempt is recorded. Not there where the fence of rule N2 reaches every writer. VMA_UNREACHABLE: nobody can say so now.
   */
  stopEarlier?(disk: { readonly source: SourceImage; readonly jobId: string }, options: Signalled): Promise<void>;
  /** Runs one segment to its flush. Throws MOVER_FAILED, TARGET_FULL, DEVICE_CHANGED, SOURCE_UNREADABLE. */
  copySegment(request: SegmentRequest, options: Signalled): Promise<SegmentResult>;
};
