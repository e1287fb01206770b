import { type Operation, operation } from '../../../shared/contract/operations.ts';
import { AppError } from '../../../shared/errors.ts';
import type { EventRows, OperationRows } from '../../ports/rows.ts';
import type { Tx } from '../../ports/store.ts';
import { json, number, text } from './columns.ts';
import { type Database, sqlOf } from './database.ts';
import type { Place } from './place.ts';

type Parts = { readonly database: Database; readonly events: EventRows; readonly place: Place };

export function createOperationRows({ database, events, place }: Parts): OperationRows {
  return {
    put: async (tx, row) => {
      await refuseSecond(tx, row);
      await sqlOf(tx).run(
        `INSERT INTO volume_operations (id, environment_id, host_id, type, status, volume_id, vm_id, part_of, document, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET status = excluded.status, volume_id = excluded.volume_id, vm_id = excluded.vm_id,
           document = excluded.document, updated_at = excluded.updated_at`,
        [
          row.id,
          place.environmentId,
          place.hostId,
          row.type,
          row.status,
          row.volume_id,
          row.vm_id,
          row.part_of,
          JSON.stringify(row),
          row.created_at,
          row.updated_at,
        ],
      );
      await events.append(tx, { type: 'operation.changed', operation: row });
    },
    counts: async () => {
      const rows = await database.read.all(
        'SELECT type, status, count(*) AS count FROM volume_operations GROUP BY 1, 2',
      );
      return rows.map((row) => ({
        type: text(row, 'type') as Operation['type'],
        status: text(row, 'status') as Operation['status'],
        count: number(row, 'count'),
      }));
    },
    unfinishedOn: async (volumeId) => {
      const rows = await database.read.all(
        `SELECT id FROM volume_operations WHERE volume_id = ? AND status IN ('pending','executing') LIMIT 1`,
        [volumeId],
      );
      return rows.length > 0;
    },
    get: async (id) => {
      const [row] = await database.read.all('SELECT document FROM volume_operations WHERE id = ?', [id]);
      return row === undefined ? null : operation.parse(json(row, 'document'));
    },
    list: async ({ type, status, volumeId, vmId, since, until, limit }) => {
      const rows = await database.read.all(
        `SELECT document FROM volume_operations WHERE (?1 IS NULL OR type = ?1) AND (?2 IS NULL OR status = ?2)
         AND (?3 IS NULL OR volume_id = ?3) AND (?4 IS NULL OR vm_id = ?4)
         AND (?5 IS NULL OR created_at >= ?5) AND (?6 IS NULL OR created_at < ?6) ORDER BY created_at DESC, id DESC LIMIT ?7`,
        [type ?? null, status ?? null, volumeId ?? null, vmId ?? null, since ?? null, until ?? null, limit],
      );
      return rows.map((row) => operation.parse(json(row, 'document')));
    },
  };
}

/** One unfinished operation a volume; the index behind it would say the same without naming the other one. */
async function refuseSecond(tx: Tx, row: Operation): Promise<void> {
  if (row.part_of !== null || row.volume_id === null || !['pending', 'executing'].includes(row.status)) return;
  const [other] = await sqlOf(tx).all(
    `SELECT id, type FROM volume_operations
     WHERE volume_id = ? AND id <> ? AND part_of IS NULL AND status IN ('pending','executing')`,
    [row.volume_id, row.id],
  );
  if (other === undefined) return;
  throw new AppError('VOLUME_BUSY', `The ${text(other, 'type')} of volume ${row.volume_id} is not finished.`, {
    operation_id: text(other, 'id'),
  });
}
