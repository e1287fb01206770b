import { type LegacyExport, legacyExport, type NbdExport, nbdExport } from '../../../shared/contract/exports.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventRows, ExportRows } from '../../ports/rows.ts';
import type { Tx } from '../../ports/store.ts';
import { type Database, type Row, sqlOf } from './database.ts';
import { toMapping } from './mappings.ts';
import type { Place } from './place.ts';

const columns =
  'e.mapping_id, e.export_name, e.volume_id, e.job_id, e.device_path, e.dev, e.port, e.status, e.opened_at, e.closed_at';
const select = `SELECT ${columns}, j.vm_name AS vm_name FROM vm_export_mappings e LEFT JOIN replication_jobs j ON j.id = e.job_id`;

/** Clients are read from /proc when somebody asks; they are no part of the row. */
const documentOf = (row: Row): NbdExport => nbdExport.parse({ ...row, clients: [] });

type Parts = { readonly database: Database; readonly clock: Clock; readonly events: EventRows; readonly place: Place };

export function createExportRows({ database, clock, events, place }: Parts): ExportRows {
  const announce = async (tx: Tx, mappingId: string): Promise<void> => {
    const [row] = await sqlOf(tx).all(`${select} WHERE e.mapping_id = ?`, [mappingId]);
    if (row !== undefined) await events.append(tx, { type: 'export.changed', export: documentOf(row) });
  };
  const close: ExportRows['close'] = async (tx, mappingId) => {
    await sqlOf(tx).run(
      `UPDATE vm_export_mappings SET status = 'closed', closed_at = ? WHERE mapping_id = ? AND closed_at IS NULL`,
      [clock.now(), mappingId],
    );
    await announce(tx, mappingId);
  };

  return {
    open: async (tx, { mapping, exportName, port, jobId }) => {
      await sqlOf(tx).run(
        `INSERT INTO vm_export_mappings (mapping_id, environment_id, host_id, export_name, volume_id, job_id, device_path, dev, port, status, opened_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'active', ?)
         ON CONFLICT (mapping_id) DO UPDATE SET status = 'active', closed_at = NULL, port = excluded.port`,
        [
          mapping.id,
          place.environmentId,
          mapping.hostId,
          exportName,
          mapping.volumeId,
          jobId,
          mapping.device.path,
          mapping.device.dev,
          port,
          clock.now(),
        ],
      );
      await announce(tx, mapping.id);
    },
    close,
    openMapping: async (volumeId) => {
      const [row] = await database.read.all(
        `SELECT m.* FROM vm_export_mappings e JOIN device_mappings m ON m.id = e.mapping_id
         WHERE e.volume_id = ? AND e.closed_at IS NULL`,
        [volumeId],
      );
      return row === undefined ? null : toMapping(row);
    },
    active: async () =>
      (await database.read.all(`${select} WHERE e.closed_at IS NULL ORDER BY e.opened_at`)).map(documentOf),
    list: async (limit) => {
      const proved = `${select} WHERE e.mapping_id IS NOT NULL ORDER BY e.opened_at DESC LIMIT ?`;
      return (await database.read.all(proved, [limit])).map(documentOf);
    },
    legacy: async (limit) => {
      const rows = await database.read.all(
        `SELECT export_name, vm_id, vm_name, disk_unit_number, device_path, opened_at AS created_at
         FROM vm_export_mappings WHERE mapping_id IS NULL ORDER BY opened_at DESC LIMIT ?`,
        [limit],
      );
      return rows.map((row): LegacyExport => legacyExport.parse(row));
    },
  };
}
