import { type Volume, volume } from '../../../shared/contract/volumes.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventRows, VolumeEvents, VolumeRows } from '../../ports/rows.ts';
import { json, number, numberOrNull, text, textOrNull } from './columns.ts';
import { type Database, type Row, type Sql, sqlOf } from './database.ts';
import { mappingDocument, newestOfVolume } from './mappings.ts';
import type { Place } from './place.ts';

async function documentOf(sql: Sql, row: Row): Promise<Volume> {
  const [last] = await sql.all(newestOfVolume, [text(row, 'volume_id')]);
  return volume.parse({
    volume_id: text(row, 'volume_id'),
    name: text(row, 'name'),
    size_bytes: number(row, 'size_bytes'),
    status: text(row, 'status'),
    origin: text(row, 'origin'),
    role: text(row, 'role'),
    job_id: textOrNull(row, 'job_id'),
    source_disk: textOrNull(row, 'source_disk'),
    metadata: json(row, 'metadata'),
    received_data: number(row, 'received_data') === 1,
    mapping: last === undefined ? null : mappingDocument(last),
    created_at: text(row, 'created_at'),
    updated_at: text(row, 'updated_at'),
  });
}

async function find(sql: Sql, volumeId: string): Promise<Volume | null> {
  const [row] = await sql.all('SELECT * FROM ossea_volumes WHERE volume_id = ?', [volumeId]);
  return row === undefined ? null : await documentOf(sql, row);
}

type Readers = 'generation' | 'ids' | 'get' | 'ofJob' | 'list' | 'ofSourceDisk' | 'undeleted' | 'counts';

function volumeReaders(database: Database): Pick<VolumeRows, Readers> {
  const { read } = database;
  const select = async (rest: string, values: readonly (string | number)[] = []): Promise<Volume[]> => {
    const rows = await read.all(`SELECT * FROM ossea_volumes ${rest}`, values);
    return await Promise.all(rows.map((row) => documentOf(read, row)));
  };
  return {
    get: (volumeId) => find(read, volumeId),
    generation: async (volumeId) => {
      const [row] = await read.all('SELECT generation FROM ossea_volumes WHERE volume_id = ?', [volumeId]);
      return row === undefined ? null : number(row, 'generation');
    },
    ofJob: async (jobId) => {
      const rows = await read.all('SELECT * FROM ossea_volumes WHERE job_id = ? ORDER BY disk_key', [jobId]);
      return await Promise.all(
        rows.map(async (row) => ({ ...(await documentOf(read, row)), diskKey: numberOrNull(row, 'disk_key') })),
      );
    },
    list: (limit) => select('ORDER BY created_at DESC, volume_id LIMIT ?', [limit]),
    undeleted: () => select(`WHERE status <> 'deleted' ORDER BY created_at`),
    ofSourceDisk: (sourceDisk) =>
      select(`WHERE source_disk = ? AND status <> 'deleted' ORDER BY updated_at DESC, volume_id`, [sourceDisk]),
    ids: async () => {
      const rows = await read.all(`SELECT volume_id FROM ossea_volumes WHERE status <> 'deleted'`);
      return rows.map((row) => text(row, 'volume_id'));
    },
    counts: async () => {
      const rows = await read.all('SELECT status, count(*) AS count FROM ossea_volumes GROUP BY status');
      return rows.map((row) => ({ status: text(row, 'status'), count: number(row, 'count') }));
    },
  };
}

type Parts = { readonly database: Database; readonly clock: Clock; readonly events: EventRows; readonly place: Place };

export function createVolumeRows({ database, clock, events, place }: Parts): VolumeRows & VolumeEvents {
  const changed: VolumeEvents['changed'] = async (tx, volumeId) => {
    const found = await find(sqlOf(tx), volumeId);
    if (found !== null) await events.append(tx, { type: 'volume.changed', volume: found });
  };

  return {
    ...volumeReaders(database),
    changed,
    insert: async (tx, row) => {
      const now = clock.now();
      await sqlOf(tx).run(
        `INSERT INTO ossea_volumes (volume_id, environment_id, host_id, name, size_bytes, status, origin, job_id, disk_key,
           source_disk, metadata, received_data, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, 'available', ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (volume_id) DO NOTHING`,
        [
          row.volumeId,
          place.environmentId,
          place.hostId,
          row.name,
          row.sizeBytes,
          row.origin,
          row.jobId,
          row.diskKey,
          row.sourceDisk,
          JSON.stringify(row.metadata),
          // Nobody knows what an adopted volume holds: it counts as data.
          row.origin === 'adopted' ? 1 : 0,
          now,
          now,
        ],
      );
      await changed(tx, row.volumeId);
    },
    setStatus: async (tx, volumeId, status) => {
      await sqlOf(tx).run('UPDATE ossea_volumes SET status = ?, updated_at = ? WHERE volume_id = ?', [
        status,
        clock.now(),
        volumeId,
      ]);
      await changed(tx, volumeId);
    },
    setRole: async (tx, volumeId, role) => {
      await sqlOf(tx).run(
        'UPDATE ossea_volumes SET role = ?, generation = generation + 1, updated_at = ? WHERE volume_id = ?',
        [role, clock.now(), volumeId],
      );
      await changed(tx, volumeId);
    },
    raiseGeneration: (tx, volumeId) =>
      sqlOf(tx).run('UPDATE ossea_volumes SET generation = generation + 1 WHERE volume_id = ?', [volumeId]),
    takeIntoUse: async (tx, volumeId, { jobId, diskKey }) => {
      await sqlOf(tx).run('UPDATE ossea_volumes SET job_id = ?, disk_key = ?, updated_at = ? WHERE volume_id = ?', [
        jobId,
        diskKey,
        clock.now(),
        volumeId,
      ]);
      await changed(tx, volumeId);
    },
    markReceivedData: async (tx, volumeId) => {
      await sqlOf(tx).run(
        'UPDATE ossea_volumes SET received_data = 1, updated_at = ? WHERE volume_id = ? AND received_data = 0',
        [clock.now(), volumeId],
      );
    },
  };
}
