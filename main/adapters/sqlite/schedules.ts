import { type ErrorCode, isErrorCode } from '../../../shared/errors.ts';
import type { EventRows } from '../../ports/rows.ts';
import type { ScheduleRow, ScheduleRows, ScheduleRunRow } from '../../ports/schedules.ts';
import type { Tx } from '../../ports/store.ts';
import { number, text, textOrNull } from './columns.ts';
import { type Database, type Row, sqlOf } from './database.ts';
import type { Place } from './place.ts';

/** Of each schedule; older ones are too far back to be met again by a clock that was put back. */
const runsKept = 1000;

const toSchedule = (row: Row): ScheduleRow => ({
  id: text(row, 'id'),
  sourceKind: text(row, 'source_kind') as ScheduleRow['sourceKind'],
  sourceId: text(row, 'source_id'),
  vmId: text(row, 'source_vm_id'),
  vmName: text(row, 'vm_name'),
  cron: text(row, 'cron'),
  timeZone: text(row, 'time_zone'),
  jitterSeconds: number(row, 'jitter_seconds'),
  keepAttached: number(row, 'keep_attached') === 1,
  enabled: number(row, 'enabled') === 1,
  since: text(row, 'since'),
  createdAt: text(row, 'created_at'),
  updatedAt: text(row, 'updated_at'),
});

const toRun = (row: Row): ScheduleRunRow => ({
  scheduleId: text(row, 'schedule_id'),
  occurrence: text(row, 'occurrence'),
  missedSince: textOrNull(row, 'missed_since'),
  migrationId: textOrNull(row, 'migration_id'),
  code: codeOf(textOrNull(row, 'code')),
  reason: textOrNull(row, 'reason'),
  at: text(row, 'at'),
});

/** A code of a newer version stays readable in its reason. */
const codeOf = (code: string | null): ErrorCode | null => (code === null || isErrorCode(code) ? code : 'INTERNAL');

type Parts = { readonly database: Database; readonly events: EventRows; readonly place: Place };

export function createScheduleRows({ database, events, place }: Parts): ScheduleRows {
  const { read } = database;
  const announce = (tx: Tx, id: string): Promise<void> =>
    events.append(tx, { type: 'schedule.changed', schedule_id: id });
  return {
    list: async () => (await read.all('SELECT * FROM schedules ORDER BY created_at, id')).map(toSchedule),
    get: async (id) => (await read.all('SELECT * FROM schedules WHERE id = ?', [id])).map(toSchedule)[0] ?? null,
    put: async (tx, row) => {
      await sqlOf(tx).run(
        `INSERT INTO schedules (id, environment_id, source_kind, source_id, source_vm_id, vm_name, cron, time_zone,
           jitter_seconds, keep_attached, enabled, since, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET cron = excluded.cron, time_zone = excluded.time_zone,
           jitter_seconds = excluded.jitter_seconds, keep_attached = excluded.keep_attached, enabled = excluded.enabled,
           since = excluded.since, updated_at = excluded.updated_at`,
        [
          ...[row.id, place.environmentId, row.sourceKind, row.sourceId, row.vmId, row.vmName, row.cron, row.timeZone],
          ...[
            row.jitterSeconds,
            Number(row.keepAttached),
            Number(row.enabled),
            row.since,
            row.createdAt,
            row.updatedAt,
          ],
        ],
      );
      await announce(tx, row.id);
    },
    remove: async (tx, id) => {
      await sqlOf(tx).run('DELETE FROM schedules WHERE id = ?', [id]);
      await announce(tx, id);
    },
    settledUntil: async (id, instant) => {
      const [row] = await read.all(
        'SELECT max(occurrence) AS newest FROM schedule_runs WHERE schedule_id = ? AND occurrence <= ?',
        [id, instant],
      );
      return row === undefined ? null : textOrNull(row, 'newest');
    },
    isSettled: async (id, occurrence) => {
      const rows = await read.all('SELECT 1 FROM schedule_runs WHERE schedule_id = ? AND occurrence = ?', [
        id,
        occurrence,
      ]);
      return rows.length > 0;
    },
    settle: async (tx, run) => {
      await sqlOf(tx).run(
        `INSERT INTO schedule_runs (schedule_id, occurrence, missed_since, migration_id, code, reason, at)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
        [run.scheduleId, run.occurrence, run.missedSince, run.migrationId, run.code, run.reason, run.at],
      );
      await sqlOf(tx).run(
        `DELETE FROM schedule_runs WHERE schedule_id = ?1 AND occurrence <
           (SELECT occurrence FROM schedule_runs WHERE schedule_id = ?1 ORDER BY occurrence DESC LIMIT 1 OFFSET ?2)`,
        [run.scheduleId, runsKept - 1],
      );
      await announce(tx, run.scheduleId);
    },
    runs: async (id, limit) => {
      const sql = 'SELECT * FROM schedule_runs WHERE schedule_id = ? ORDER BY occurrence DESC LIMIT ?';
      return (await read.all(sql, [id, limit])).map(toRun);
    },
    underWay: async () => {
      const [row] = await read.all(
        `SELECT count(*) AS count FROM schedule_runs r JOIN replication_jobs j ON j.id = r.migration_id
         WHERE j.completed_at IS NULL AND j.status <> 'held'`,
      );
      return row === undefined ? 0 : number(row, 'count');
    },
  };
}
