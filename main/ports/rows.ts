import type { Event, EventBody } from '../../shared/contract/events.ts';
import type { LegacyExport, NbdExport } from '../../shared/contract/exports.ts';
import type { Migration, Phase, RunStatus } from '../../shared/contract/migrations.ts';
import type { Operation } from '../../shared/contract/operations.ts';
import type { Settings } from '../../shared/contract/settings.ts';
import type { Volume } from '../../shared/contract/volumes.ts';
import type { ErrorBody } from '../../shared/errors.ts';
import type { Evidence, Mapping } from '../domain/device.ts';
import type { Extent } from '../domain/extent.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Tx } from './store.ts';

/** Every change below also appends its event, in the same transaction. */
export type JobRows = {
  insert(tx: Tx, job: { readonly id: string; readonly vm: SourceVm; readonly createdAt: string }): Promise<void>;
  /** Id of the unfinished job of this VM, inside the transaction that may create another. */
  /** An unfinished migration from this source. */
  activeOfSource(tx: Tx, sourceId: string): Promise<string | null>;
  activeOf(tx: Tx, vm: Pick<SourceVm, 'sourceKind' | 'sourceId' | 'vmId'>): Promise<string | null>;
  get(id: string): Promise<Migration | null>;
  list(filter: { status?: RunStatus | undefined; vmId?: string | undefined; limit: number }): Promise<Migration[]>;
  follow(
    tx: Tx,
    id: string,
    run: {
      readonly status: RunStatus;
      readonly reason: string | null;
      readonly error: ErrorBody | null;
      readonly cancelRequested: boolean;
      readonly completedAt: string | null;
    },
  ): Promise<void>;
  /** A disk only moves forward; the job's phase is that of its least advanced disk. */
  enterPhase(tx: Tx, disk: DiskOfJob, phase: Phase): Promise<void>;
  patchDisk(tx: Tx, disk: DiskOfJob, patch: DiskPatch): Promise<void>;
  prove(tx: Tx, id: string, proof: 'full' | 'delta'): Promise<void>;
  leaveBehind(tx: Tx, id: string, lines: readonly string[]): Promise<void>;
  setSlots(tx: Tx, id: string, slots: number): Promise<void>;
  limitRate(tx: Tx, id: string, mibPerSecond: number | null): Promise<void>;
  /** Unfinished jobs that have a limit of their own. */
  limitedRates(): Promise<readonly { readonly jobId: string; readonly mibPerSecond: number }[]>;
  /** Id of the unfinished job that has this volume as a target. */
  usingVolume(volumeId: string): Promise<string | null>;
  counts(): Promise<readonly { readonly status: string; readonly count: number }[]>;
  /** Unfinished jobs that hold slots of the appliance. */
  slotsHeld(): Promise<readonly { readonly jobId: string; readonly slots: number }[]>;
};

export type DiskOfJob = { readonly jobId: string; readonly diskKey: number };

export type DiskPatch = {
  readonly volumeId?: string;
  readonly volumeName?: string;
  readonly volumeBytes?: number;
  readonly devicePath?: string;
  readonly evidence?: Evidence;
  readonly exportName?: string;
  readonly bytesTotal?: number;
  readonly bytesCopied?: number;
  readonly segmentsTotal?: number;
  readonly segmentsDone?: number;
  readonly segmentsResent?: number;
  readonly sourceSha256?: string;
  readonly targetSha256?: string;
  readonly manifestRoot?: string;
  readonly reader?: string;
  readonly reused?: boolean;
  readonly mode?: 'full' | 'delta';
  readonly fullBecause?: string | null;
  readonly bytesChanged?: number;
  readonly chunksRead?: number;
  readonly chunksCarried?: number;
  readonly carriedFrom?: string | null;
  readonly mover?: string;
  readonly moverBecause?: string;
};

export type VolumeRows = {
  insert(
    tx: Tx,
    volume: {
      readonly volumeId: string;
      readonly name: string;
      readonly sizeBytes: number;
      readonly origin: Volume['origin'];
      readonly jobId: string | null;
      readonly diskKey: number | null;
      readonly sourceDisk: string | null;
      readonly metadata: Volume['metadata'];
    },
  ): Promise<void>;
  /** Another role is another generation. */
  setRole(tx: Tx, volumeId: string, role: Volume['role']): Promise<void>;
  /** Something but the next copy of its source disk may write to the volume, or did (rule P3): nothing is carried over that. */
  raiseGeneration(tx: Tx, volumeId: string): Promise<void>;
  /** null: the records do not know the volume. */
  generation(volumeId: string): Promise<number | null>;
  /** Another migration of the same source disk goes on with it. */
  takeIntoUse(tx: Tx, volumeId: string, by: DiskOfJob): Promise<void>;
  /** Volumes for this source disk that are not deleted, the last used first. */
  ofSourceDisk(sourceDisk: string): Promise<readonly Volume[]>;
  undeleted(): Promise<readonly Volume[]>;
  /** Ids of all that are not deleted. */
  ids(): Promise<readonly string[]>;
  counts(): Promise<readonly { readonly status: string; readonly count: number }[]>;
  setStatus(tx: Tx, volumeId: string, status: Volume['status']): Promise<void>;
  /** From the first export on, for ever. */
  markReceivedData(tx: Tx, volumeId: string): Promise<void>;
  get(volumeId: string): Promise<Volume | null>;
  ofJob(jobId: string): Promise<readonly (Volume & { readonly diskKey: number | null })[]>;
  list(limit: number): Promise<Volume[]>;
};

export type MappingRows = {
  openOf(volumeId: string): Promise<Mapping | null>;
  openOn(hostId: string): Promise<readonly Mapping[]>;
  /** The newest one, open or ended. */
  lastOf(volumeId: string): Promise<Mapping | null>;
  insert(tx: Tx, mapping: Mapping): Promise<void>;
  end(tx: Tx, id: string, because: string): Promise<void>;
  /** A new boot ends every mapping of the host at once, before new ones are written (rule D1). */
  endAllOfOtherBoots(tx: Tx, hostId: string, bootId: string): Promise<number>;
};

export type ExportRows = {
  open(
    tx: Tx,
    row: {
      readonly mapping: Mapping;
      readonly exportName: string;
      readonly port: number;
      readonly jobId: string | null;
    },
  ): Promise<void>;
  close(tx: Tx, mappingId: string): Promise<void>;
  /** The mapping whose export is open for this volume, even when that mapping has ended meanwhile. */
  openMapping(volumeId: string): Promise<Mapping | null>;
  active(): Promise<readonly NbdExport[]>;
  list(limit: number): Promise<NbdExport[]>;
  /** Rows of an earlier system, without a proof: to be read, never to be served. */
  legacy(limit: number): Promise<LegacyExport[]>;
};

export type OperationRows = {
  /** VOLUME_BUSY while another operation on the volume is not finished. */
  put(tx: Tx, operation: Operation): Promise<void>;
  counts(): Promise<readonly (Pick<Operation, 'type' | 'status'> & { readonly count: number })[]>;
  get(id: string): Promise<Operation | null>;
  /** Is any operation on the volume not finished, parts of larger ones among them. */
  unfinishedOn(volumeId: string): Promise<boolean>;
  list(filter: {
    type?: Operation['type'] | undefined;
    status?: Operation['status'] | undefined;
    volumeId?: string | undefined;
    vmId?: string | undefined;
    /** ISO instants: made at or after, made before. */
    since?: string | undefined;
    until?: string | undefined;
    limit: number;
  }): Promise<Operation[]>;
};

export type SegmentRow = {
  readonly jobId: string;
  readonly diskKey: number;
  /** `0`, `1`, … or `tail`. */
  readonly name: string;
  /** How often a mover was started for it. */
  readonly attempts: number;
  readonly bytesWritten: number;
  readonly done: boolean;
};

export type SegmentRows = {
  of(jobId: string, diskKey: number): Promise<readonly SegmentRow[]>;
  put(tx: Tx, row: SegmentRow): Promise<void>;
  /** The disk is sent again from its beginning. */
  clear(tx: Tx, disk: DiskOfJob): Promise<void>;
};

export type ReplicaKey = { readonly sourceDisk: string; readonly volumeId: string };

/** What a volume is known to hold of its source disk since the last proof (rules J6, P3). */
export type ReplicaState = ReplicaKey & {
  readonly changeId: string;
  readonly manifestRoot: string;
  /** Of the volume at that time; under another one nothing of this holds. */
  readonly generation: number;
  readonly capacityBytes: number;
  readonly volumeBytes: number;
  /** The migration that proved it. */
  readonly jobId: string;
  readonly sampleCursor: number;
  /** What copies without a proof may have written since. */
  readonly dirty: readonly Extent[];
  /** Why it must not be used, although it is here. */
  readonly voidBecause: string | null;
};

export type ReplicaRows = {
  get(key: ReplicaKey): Promise<ReplicaState | null>;
  /** Whether any volume holds a proved copy of the source disk. */
  isKnown(sourceDisk: string): Promise<boolean>;
  /** After a proof: clean and valid. */
  put(tx: Tx, state: Omit<ReplicaState, 'dirty' | 'voidBecause'>): Promise<void>;
  /** To be written before a byte of the areas is. */
  markDirty(tx: Tx, key: ReplicaKey, areas: readonly Extent[]): Promise<void>;
  makeVoid(tx: Tx, key: ReplicaKey, because: string): Promise<void>;
};

export type EventRows = {
  append(tx: Tx, body: EventBody): Promise<void>;
};

export type SettingRows = {
  get(): Settings;
  change(tx: Tx, patch: { readonly [K in keyof Settings]?: Settings[K] | undefined }): Promise<void>;
};

export type AuditRows = {
  append(
    tx: Tx,
    entry: { readonly actor: string; readonly act: string; readonly subject: string; readonly details: unknown },
  ): Promise<void>;
};

export type EventHistory = {
  after(seq: number, limit: number): Promise<Event[]>;
  /** seq of the oldest and the newest event kept; oldest is 1 and newest 0 when there is none. */
  bounds(): Promise<{ readonly oldest: number; readonly newest: number }>;
};

export type VolumeEvents = {
  /** Announces the volume as it now is, with its mapping. */
  changed(tx: Tx, volumeId: string): Promise<void>;
};

/** Replies of requests that carried an Idempotency-Key, by the key. */
export type AnsweredRequests = {
  find(key: string): Promise<{ readonly requestHash: string; readonly reply: unknown } | null>;
  keep(tx: Tx, answer: { readonly key: string; readonly requestHash: string; readonly reply: unknown }): Promise<void>;
};
