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
  /** Called once with the proof that every connection of the mover is on the right device, before the gate opens. */
  readonly onGate?: (pids: GateProof) => void;
  /** Bytes really written by the server for this run so far. */
  readonly onProgress?: (bytesWritten: number) => void;
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
  readonly gate: GateProof;
};

/** Carries bytes from a source into an open export. Exactly one writer per device at any time (rule M1). */
export type Mover = {
  readonly name: string;
  /** Runs one segment to its flush. Throws MOVER_FAILED, TARGET_FULL, DEVICE_CHANGED, SOURCE_UNREADABLE. */
  copySegment(request: SegmentRequest, options: Signalled): Promise<SegmentResult>;
};
