import { z } from 'zod';
import { endpoint } from '../endpoint.ts';
import { bytes, errorBody, id, instant, noBody, nothing } from '../fields.ts';
import { moverName } from './copy-method.ts';
import { attempt, diskKey, extent, ofJob, snapshotRef } from './fields.ts';

/** An export and nothing else: no file of the VMA's machine, no word for its programs. */
const url = z
  .url({ protocol: /^nbds?$/ })
  .max(1000)
  .regex(/^nbds?:\/\/[^/?#@]+\/[^?#]+$/, 'nbd://host:port/export');

const target = z.strictObject({
  disk_key: diskKey,
  /** `nbd://host:port/export`; with `nbds` TLS. */
  url,
  /** What is written is inside of this; a target that turns out to be smaller is refused before a byte. */
  device_bytes: bytes,
  /** Sorted, merged, never empty; null: the whole device. */
  extents: z.array(extent).min(1).nullable(),
});

export const diskState = z.enum(['starting', 'connected', 'copying', 'done', 'failed', 'stopped']);

export const jobDisk = z.object({
  disk_key: z.int(),
  attempt: z.int(),
  /** `connected`: at its gate, and nothing is written until it is opened. */
  state: diskState,
  mover: moverName,
  because: z.string(),
  bytes_total: bytes,
  /** What the mover has handed to the connection; with `done` it is on the device and flushed. */
  bytes_written: bytes,
  error: errorBody.nullable(),
});
export type JobDisk = z.infer<typeof jobDisk>;

export const jobStatus = z.object({ job_id: id, vm_id: id, disks: z.array(jobDisk) });
export type JobStatus = z.infer<typeof jobStatus>;

export const replicate = endpoint({
  id: 'vma.replicate',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/replicate',
  summary: 'Start movers that wait at their gates; an older attempt of a disk is stopped first, a lower one refused',
  status: 201,
  handshake: true,
  params: nothing,
  query: nothing,
  body: z.strictObject({
    job_id: id,
    vm_id: id,
    /** Rises with every run of a disk. */
    attempt,
    snapshot: snapshotRef,
    nbd_targets: z.array(target).min(1).max(64),
  }),
  reply: jobStatus,
  errors: [
    'INVALID_REQUEST',
    'NOT_FOUND',
    'PROTOCOL_MISMATCH',
    'DUPLICATE_TARGET',
    'UNKNOWN_DISK',
    'TARGET_TOO_SMALL',
    'ATTEMPT_STALE',
    'SNAPSHOT_NOT_OURS',
    'VM_STATE',
    'SOURCE_UNREADABLE',
    'MOVER_UNSAFE',
    'VCENTER_UNREACHABLE',
    'DATA_DIR_FULL',
  ],
});

export const openGate = endpoint({
  id: 'vma.open',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/replicate/:job_id/open',
  summary: 'Open the gate of one disk: whoever asks has proved where the connection leads. Repeatable',
  status: 200,
  handshake: true,
  params: ofJob,
  query: nothing,
  body: z.strictObject({ disk_key: diskKey, attempt }),
  reply: jobStatus,
  errors: ['NOT_FOUND', 'UNKNOWN_DISK', 'ATTEMPT_STALE', 'GATE_SHUT', 'MOVER_FAILED', 'PROTOCOL_MISMATCH'],
});

export const getJobStatus = endpoint({
  id: 'vma.status',
  tag: 'VMA',
  method: 'GET',
  path: '/api/v1/status/:job_id',
  summary: 'The disks of a job; 404 also for one that an earlier start of this VMA knew: its movers died with it',
  status: 200,
  params: ofJob,
  query: nothing,
  body: noBody,
  reply: jobStatus,
  errors: ['NOT_FOUND', 'PROTOCOL_MISMATCH'],
});

export const getJobProgress = endpoint({
  id: 'vma.progress',
  tag: 'VMA',
  method: 'GET',
  path: '/api/v1/progress/:job_id',
  summary: 'How far a job is, of what it really sends',
  status: 200,
  params: ofJob,
  query: nothing,
  body: noBody,
  reply: z.object({
    job_id: id,
    stage: z.enum(['connect', 'gate', 'transfer', 'ended']),
    status: z.enum(['running', 'done', 'failed', 'stopped']),
    started_at: instant,
    updated_at: instant,
    aggregate: z.object({
      total_bytes: bytes,
      bytes_transferred: bytes,
      throughput_bps: z.number(),
      percent: z.number().min(0).max(100),
    }),
    disks: z.array(jobDisk),
  }),
  errors: ['NOT_FOUND', 'PROTOCOL_MISMATCH'],
});

export const cancelJob = endpoint({
  id: 'vma.cancel',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/cancel',
  summary: 'Stop the movers of a job, or of one disk; answers when they are dead. Their attempts stay used',
  status: 200,
  handshake: true,
  params: nothing,
  query: nothing,
  body: z.strictObject({ job_id: id, disk_key: diskKey.optional() }),
  reply: jobStatus,
  errors: ['NOT_FOUND', 'UNKNOWN_DISK', 'PROTOCOL_MISMATCH'],
});
