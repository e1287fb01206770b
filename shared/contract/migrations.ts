import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { bytes, errorBody, id, instant, limit, noBody, nothing } from './fields.ts';

export const phases = ['discover', 'provision', 'attach', 'export', 'transfer', 'verify', 'finalize'] as const;
export const phase = z.enum(phases);
export type Phase = z.infer<typeof phase>;

export const runStatus = z.enum([
  'pending',
  'running',
  'waiting',
  'held',
  'completed',
  'unverified',
  'failed',
  'cancelled',
]);
export type RunStatus = z.infer<typeof runStatus>;

export const evidence = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('serial'), serial: z.string(), excess_bytes: bytes }),
  z.object({ kind: z.literal('only-new-device'), size_bytes: bytes }),
]);

/** Monotonic clock durations in ms per phase; null while it has not ended. */
const timeline = z.array(z.object({ phase, started_at: instant, ended_at: instant.nullable() }));

export const migrationDisk = z.object({
  key: z.int(),
  label: z.string(),
  capacity_bytes: bytes,
  phase,
  volume_id: id.nullable(),
  volume_name: z.string().nullable(),
  volume_bytes: bytes.nullable(),
  /** True when an earlier migration of this source disk made the volume. */
  reused: z.boolean().default(false),
  device_path: z.string().nullable(),
  evidence: evidence.nullable(),
  export_name: z.string().nullable(),
  /** What the plan sends: the allocated areas of the source, or all of it where the target is not proved blank. */
  bytes_total: bytes,
  /** Of those, what is on the target and flushed, plus what the running mover has written. */
  bytes_copied: bytes,
  rate_bytes_per_second: z.number().nullable(),
  segments_total: z.int(),
  segments_done: z.int(),
  /** Segments that were sent more than once, after a crash or a mover error. */
  segments_resent: z.int(),
  source_sha256: z.string().nullable(),
  target_sha256: z.string().nullable(),
  manifest_root: z.string().nullable(),
  reader: z.string().nullable(),
  /** Null until the copy is planned. */
  mode: z.enum(['full', 'delta']).nullable().default(null),
  /** Why all of the disk is copied; null for a delta. */
  full_because: z.string().nullable().default(null),
  /** Of a delta: what changed since the last run, in whole grains of 256 KiB. */
  bytes_changed: bytes.nullable().default(null),
  /** Of a delta proof: chunks of 4 MiB that were read at both ends now, and those whose digest an earlier proof carries. */
  chunks_read: z.int().nullable().default(null),
  chunks_carried: z.int().nullable().default(null),
  /** The migration whose proof is carried on. */
  carried_from: id.nullable().default(null),
  /** Which program reads the source, and why that one. */
  mover: z.string().nullable().default(null),
  mover_because: z.string().nullable().default(null),
});
export type MigrationDisk = z.infer<typeof migrationDisk>;

export const migration = z.object({
  id,
  vm_id: id,
  vm_name: z.string(),
  status: runStatus,
  /** Why it waits or is held, null otherwise. */
  reason: z.string().nullable(),
  phase,
  timeline,
  /** `full` only when both ends of every disk were read in full. */
  proof: z.enum(['full', 'delta']).nullable(),
  bytes_total: bytes,
  bytes_copied: bytes,
  rate_bytes_per_second: z.number().nullable(),
  /** What its movers may send together; null: no limit of its own. */
  limit_mib_per_second: z.int().nullable().default(null),
  eta_seconds: z.number().nullable(),
  error: errorBody.nullable(),
  /** What a failed or cancelled migration left in the cloud, in words. */
  left_behind: z.array(z.string()),
  cancel_requested: z.boolean(),
  created_at: instant,
  updated_at: instant,
  completed_at: instant.nullable(),
  disks: z.array(migrationDisk),
});
export type Migration = z.infer<typeof migration>;

const withId = z.strictObject({ id });

export const createMigration = endpoint({
  id: 'migrations.create',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/migrations',
  summary: 'Start the migration of one VM',
  status: 201,
  params: nothing,
  query: nothing,
  body: z.strictObject({
    vm_id: id,
    /** Which site's, where several list the same VM. */
    site_id: id.optional(),
    /** Leaves the volumes on the appliance at the end, with their devices known, for the next synchronisation. */
    keep_attached: z.boolean().default(false),
    /** Copies all of every disk, whatever is known of its replica. */
    full: z.boolean().default(false),
    /** Sends what changed, and reads all of both ends for the proof. */
    audit: z.boolean().default(false),
    /** Takes no snapshot: the disks of a VM that is off are read as they lie on their datastore. */
    cold: z.boolean().default(false),
    /** Asks the guest for a quiet moment before the snapshot; a guest that cannot is copied as it stands, with a warning. */
    quiesce: z.boolean().default(true),
  }),
  reply: migration,
  errors: ['INVALID_REQUEST', 'IDEMPOTENCY_KEY_REUSED', 'NOT_FOUND', 'VM_ACTIVE', 'SOURCE_UNREADABLE', 'DATA_DIR_FULL'],
});

export const listMigrations = endpoint({
  id: 'migrations.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/migrations',
  summary: 'Migrations, newest first',
  status: 200,
  params: nothing,
  query: z.strictObject({ status: runStatus.optional(), vm_id: id.optional(), limit }),
  body: noBody,
  reply: z.object({ migrations: z.array(migration) }),
  errors: ['INVALID_REQUEST'],
});

export const getMigration = endpoint({
  id: 'migrations.get',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/migrations/:id',
  summary: 'One migration with its disks, evidence and proof',
  status: 200,
  params: withId,
  query: nothing,
  body: noBody,
  reply: migration,
  errors: ['NOT_FOUND'],
});

export const cancelMigration = endpoint({
  id: 'migrations.cancel',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/migrations/:id/cancel',
  summary: 'Stop the movers, close the exports, detach; volumes that received data are kept',
  status: 201,
  params: withId,
  query: nothing,
  body: noBody,
  reply: migration,
  errors: ['NOT_FOUND', 'INVALID_REQUEST'],
});

export const limitMigration = endpoint({
  id: 'migrations.limit',
  tag: 'OMA',
  method: 'PUT',
  path: '/api/v1/migrations/:id/rate',
  summary: 'Limit what the movers of a migration send together, also while they run; null lifts the limit',
  status: 200,
  params: withId,
  query: nothing,
  body: z.strictObject({ mib_per_second: z.int().min(1).nullable() }),
  reply: migration,
  errors: ['NOT_FOUND', 'INVALID_REQUEST'],
});

export const resumeMigration = endpoint({
  id: 'migrations.resume',
  tag: 'OMA',
  method: 'POST',
  path: '/api/v1/migrations/:id/resume',
  summary: 'Go on with a held migration from where its journal stands',
  status: 201,
  params: withId,
  query: nothing,
  body: noBody,
  reply: migration,
  errors: ['NOT_FOUND', 'INVALID_REQUEST'],
});
