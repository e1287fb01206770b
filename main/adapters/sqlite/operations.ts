import { operation } from '../../../shared/contract/operations.ts';
import type { EventRows, OperationRows } from '../../ports/rows.ts';
import { json } from './columns.ts';
import { type Database, sqlOf } from './database.ts';
import type { Place } from './place.ts';

type Parts = { readonly database: Database; readonly events: EventRows; readonly place: Place };

export function createOperationRows({ database, events, place }: Parts): OperationRows {
  return {
    put: async (tx, row) => {
      await sqlOf(tx).run(
        `INSERT INTO volume_operations (id, environment_id, host_id, type, status, volume_id, vm_id, document, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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
          JSON.stringify(row),
          row.created_at,
          row.updated_at,
        ],
      );
      await events.append(tx, { type: 'operation.changed', operation: row });
    },
    get: async (id) => {
      const [row] = await database.read.all('SELECT document FROM volume_operations WHERE id = ?', [id]);
      return row === undefined ? null : operation.parse(json(row, 'document'));
    },
    list: async ({ type, status, volumeId, vmId, limit }) => {
      const rows = await database.read.all(
        `SELECT document FROM volume_operations WHERE (?1 IS NULL OR type = ?1) AND (?2 IS NULL OR status = ?2)
         AND (?3 IS NULL OR volume_id = ?3) AND (?4 IS NULL OR vm_id = ?4) ORDER BY created_at DESC, id DESC LIMIT ?5`,
        [type ?? null, status ?? null, volumeId ?? null, vmId ?? null, limit],
      );
      return rows.map((row) => operation.parse(json(row, 'document')));
    },
  };
}
