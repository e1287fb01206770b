import type { Migration, Phase } from '../../../shared/contract/migrations.ts';
import { evidenceDocument } from '../../domain/device.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DiskPatch, EventRows, JobRows } from '../../ports/rows.ts';
import type { Tx } from '../../ports/store.ts';
import { json, number, text } from './columns.ts';
import { type Database, type Sql, sqlOf } from './database.ts';
import { advanceTimeline, closeTimeline, isLater, leastAdvanced, migrationDocument } from './job-documents.ts';
import type { Place } from './place.ts';

const diskColumns: Readonly<Record<keyof DiskPatch, string>> = {
  volumeId: 'volume_id',
  volumeName: 'volume_name',
  volumeBytes: 'volume_bytes',
  devicePath: 'device_path',
  evidence: 'evidence',
  exportName: 'export_name',
  bytesTotal: 'bytes_total',
  bytesCopied: 'bytes_copied',
  segmentsTotal: 'segments_total',
  segmentsDone: 'segments_done',
  segmentsResent: 'segments_resent',
  sourceSha256: 'source_sha256',
  targetSha256: 'target_sha256',
  manifestRoot: 'manifest_root',
  reader: 'reader',
  reused: 'reused',
  mode: 'mode',
  fullBecause: 'full_because',
  bytesChanged: 'bytes_changed',
  chunksRead: 'chunks_read',
  chunksCarried: 'chunks_carried',
  carriedFrom: 'carried_from',
  mover: 'mover',
  moverBecause: 'mover_because',
};

type Parts = { readonly database: Database; readonly clock: Clock; readonly events: EventRows; readonly place: Place };

export function createJobRows(parts: Parts): JobRows {
  const { database } = parts;
  return {
    ...jobWriters(parts),
    ...diskWriters(parts),
    get: (id) => load(database.read, id),
    list: async ({ status, vmId, limit }) => {
      const rows = await database.read.all(
        `SELECT id FROM replication_jobs WHERE (?1 IS NULL OR status = ?1) AND (?2 IS NULL OR source_vm_id = ?2)
         ORDER BY created_at DESC, id DESC LIMIT ?3`,
        [status ?? null, vmId ?? null, limit],
      );
      const loaded = await Promise.all(rows.map((row) => load(database.read, text(row, 'id'))));
      return loaded.filter((job) => job !== null);
    },
    usingVolume: async (volumeId) => {
      const [row] = await database.read.all(
        `SELECT j.id FROM replication_jobs j JOIN vm_disks d ON d.job_id = j.id
         WHERE d.volume_id = ? AND j.completed_at IS NULL`,
        [volumeId],
      );
      return row === undefined ? null : text(row, 'id');
    },
    counts: async () => {
      const rows = await database.read.all('SELECT status, count(*) AS count FROM replication_jobs GROUP BY status');
      return rows.map((row) => ({ status: text(row, 'status'), count: number(row, 'count') }));
    },
    limitedRates: async () => {
      const rows = await database.read.all(
        'SELECT id, limit_mib_per_second FROM replication_jobs WHERE completed_at IS NULL AND limit_mib_per_second > 0',
      );
      return rows.map((row) => ({ jobId: text(row, 'id'), mibPerSecond: number(row, 'limit_mib_per_second') }));
    },
    slotsHeld: async () => {
      const rows = await database.read.all(
        'SELECT id, slots FROM replication_jobs WHERE completed_at IS NULL AND slots > 0',
      );
      return rows.map((row) => ({ jobId: text(row, 'id'), slots: number(row, 'slots') }));
    },
  };
}

async function load(sql: Sql, id: string): Promise<Migration | null> {
  const [job] = await sql.all('SELECT * FROM replication_jobs WHERE id = ?', [id]);
  if (job === undefined) return null;
  return migrationDocument(job, await sql.all('SELECT * FROM vm_disks WHERE job_id = ? ORDER BY disk_key', [id]));
}

async function announce({ events }: Parts, tx: Tx, id: string): Promise<void> {
  const migration = await load(sqlOf(tx), id);
  if (migration !== null) await events.append(tx, { type: 'migration.changed', migration });
}

type Change = {
  readonly id: string;
  readonly assignments: string;
  readonly values: readonly (string | number | null)[];
};

async function change(parts: Parts, tx: Tx, { id, assignments, values }: Change): Promise<void> {
  const sql = `UPDATE replication_jobs SET ${assignments}, updated_at = ? WHERE id = ?`;
  await sqlOf(tx).run(sql, [...values, parts.clock.now(), id]);
  await announce(parts, tx, id);
}

async function timelineOf(tx: Tx, id: string): Promise<Migration['timeline']> {
  const [job] = await sqlOf(tx).all('SELECT timeline FROM replication_jobs WHERE id = ?', [id]);
  return job === undefined ? [] : (json(job, 'timeline') as Migration['timeline']);
}

type JobWriters =
  | 'insert'
  | 'activeOf'
  | 'activeOfSource'
  | 'follow'
  | 'prove'
  | 'leaveBehind'
  | 'setSlots'
  | 'limitRate';

function jobWriters(parts: Parts): Pick<JobRows, JobWriters> {
  const set = (tx: Tx, id: string, columns: Readonly<Record<string, string | number | null>>): Promise<void> => {
    const assignments = Object.keys(columns).map((column) => `${column} = ?`);
    return change(parts, tx, { id, assignments: assignments.join(', '), values: Object.values(columns) });
  };
  return {
    insert: (tx, job) => insertJob(parts, tx, job),
    activeOf: async (tx, vm) => {
      const [row] = await sqlOf(tx).all(
        'SELECT id FROM replication_jobs WHERE source_kind = ? AND source_id = ? AND source_vm_id = ? AND completed_at IS NULL',
        [vm.sourceKind, vm.sourceId, vm.vmId],
      );
      return row === undefined ? null : text(row, 'id');
    },
    activeOfSource: async (tx, sourceId) => {
      const [row] = await sqlOf(tx).all(
        'SELECT id FROM replication_jobs WHERE source_id = ? AND completed_at IS NULL',
        [sourceId],
      );
      return row === undefined ? null : text(row, 'id');
    },
    follow: async (tx, id, run) => {
      const timeline = await timelineOf(tx, id);
      const spans = run.completedAt === null ? timeline : closeTimeline(timeline, run.completedAt);
      await set(tx, id, {
        status: run.status,
        reason: run.reason,
        error: run.error === null ? null : JSON.stringify(run.error),
        cancel_requested: run.cancelRequested ? 1 : 0,
        completed_at: run.completedAt,
        timeline: JSON.stringify(spans),
      });
    },
    prove: (tx, id, proof) => set(tx, id, { proof }),
    leaveBehind: (tx, id, lines) => set(tx, id, { left_behind: JSON.stringify(lines) }),
    setSlots: (tx, id, slots) => set(tx, id, { slots }),
    limitRate: (tx, id, mibPerSecond) => set(tx, id, { limit_mib_per_second: mibPerSecond }),
  };
}

async function insertJob(parts: Parts, tx: Tx, { id, vm, createdAt }: Parameters<JobRows['insert']>[1]): Promise<void> {
  const { place } = parts;
  const timeline = JSON.stringify(advanceTimeline([], 'discover', createdAt));
  await sqlOf(tx).run(
    `INSERT INTO replication_jobs (id, environment_id, host_id, source_kind, source_id, source_vm_id, vm_name, status, phase, timeline, spec, created_at, updated_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'pending', 'discover', ?, ?, ?, ?)`,
    [
      id,
      place.environmentId,
      place.hostId,
      vm.sourceKind,
      vm.sourceId,
      vm.vmId,
      vm.name,
      timeline,
      JSON.stringify(vm),
      createdAt,
      createdAt,
    ],
  );
  for (const disk of vm.disks) {
    await sqlOf(tx).run(
      `INSERT INTO vm_disks (job_id, disk_key, label, capacity_bytes, phase) VALUES (?, ?, ?, ?, 'discover')`,
      [id, disk.key, disk.label, disk.capacityBytes],
    );
  }
  await announce(parts, tx, id);
}

function diskWriters(parts: Parts): Pick<JobRows, 'enterPhase' | 'patchDisk'> {
  return {
    enterPhase: async (tx, { jobId, diskKey }, phase) => {
      const rows = await sqlOf(tx).all('SELECT disk_key, phase FROM vm_disks WHERE job_id = ?', [jobId]);
      const now = rows.map((row) => ({ key: number(row, 'disk_key'), phase: text(row, 'phase') as Phase }));
      const mine = now.find((disk) => disk.key === diskKey);
      if (mine === undefined || !isLater(phase, mine.phase)) return;
      await sqlOf(tx).run('UPDATE vm_disks SET phase = ? WHERE job_id = ? AND disk_key = ?', [phase, jobId, diskKey]);
      const jobPhase = leastAdvanced(now.map((disk) => (disk.key === diskKey ? phase : disk.phase)));
      const timeline = advanceTimeline(await timelineOf(tx, jobId), jobPhase, parts.clock.now());
      const values = [jobPhase, JSON.stringify(timeline)];
      await change(parts, tx, { id: jobId, assignments: 'phase = ?, timeline = ?', values });
    },
    patchDisk: async (tx, { jobId, diskKey }, patch) => {
      const entries = Object.entries(patch) as [keyof DiskPatch, DiskPatch[keyof DiskPatch]][];
      const values = entries.map(([key, value]) =>
        key === 'evidence'
          ? JSON.stringify(evidenceDocument(value as NonNullable<DiskPatch['evidence']>))
          : typeof value === 'boolean'
            ? Number(value)
            : (value as string | number | null),
      );
      const assignments = entries.map(([key]) => `${diskColumns[key]} = ?`).join(', ');
      const sql = `UPDATE vm_disks SET ${assignments} WHERE job_id = ? AND disk_key = ?`;
      await sqlOf(tx).run(sql, [...values, jobId, diskKey]);
      await announce(parts, tx, jobId);
    },
  };
}
