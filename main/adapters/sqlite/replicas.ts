import { z } from 'zod';
import { normalise } from '../../domain/extent.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ReplicaKey, ReplicaRows, ReplicaState } from '../../ports/rows.ts';
import type { Tx } from '../../ports/store.ts';
import { json, number, text, textOrNull } from './columns.ts';
import { type Database, type Row, type Sql, sqlOf } from './database.ts';
import type { Place } from './place.ts';

const extents = z.array(z.object({ offset: z.number(), length: z.number() }));

const toState = (row: Row): ReplicaState => ({
  sourceDisk: text(row, 'source_disk'),
  volumeId: text(row, 'volume_id'),
  changeId: text(row, 'change_id'),
  manifestRoot: text(row, 'manifest_root'),
  generation: number(row, 'generation'),
  capacityBytes: number(row, 'capacity_bytes'),
  volumeBytes: number(row, 'volume_bytes'),
  jobId: text(row, 'job_id'),
  sampleCursor: number(row, 'sample_cursor'),
  dirty: extents.parse(json(row, 'dirty')),
  voidBecause: textOrNull(row, 'void_because'),
});

type Parts = { readonly database: Database; readonly clock: Clock; readonly place: Place };

export function createReplicaRows({ database, clock, place }: Parts): ReplicaRows {
  const find = async (sql: Sql, { sourceDisk, volumeId }: ReplicaKey): Promise<ReplicaState | null> => {
    const where = 'SELECT * FROM replica_states WHERE source_disk = ? AND volume_id = ?';
    const [row] = await sql.all(where, [sourceDisk, volumeId]);
    return row === undefined ? null : toState(row);
  };
  const set = (tx: Tx, key: ReplicaKey, column: { readonly name: string; readonly value: string }): Promise<void> =>
    sqlOf(tx).run(
      `UPDATE replica_states SET ${column.name} = ?, changed_at = ? WHERE source_disk = ? AND volume_id = ?`,
      [column.value, clock.now(), key.sourceDisk, key.volumeId],
    );
  return {
    get: (key) => find(database.read, key),
    isKnown: async (sourceDisk) => {
      const where = 'SELECT 1 FROM replica_states WHERE source_disk = ? LIMIT 1';
      return (await database.read.all(where, [sourceDisk])).length > 0;
    },
    put: (tx, state) =>
      sqlOf(tx).run(
        `INSERT INTO replica_states (source_disk, volume_id, environment_id, host_id, change_id, manifest_root, generation,
           capacity_bytes, volume_bytes, job_id, sample_cursor, dirty, void_because, changed_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', NULL, ?)
         ON CONFLICT (source_disk, volume_id) DO UPDATE
           SET change_id = excluded.change_id, manifest_root = excluded.manifest_root, generation = excluded.generation,
             capacity_bytes = excluded.capacity_bytes, volume_bytes = excluded.volume_bytes, job_id = excluded.job_id,
             sample_cursor = excluded.sample_cursor, dirty = '[]', void_because = NULL, changed_at = excluded.changed_at`,
        [
          state.sourceDisk,
          state.volumeId,
          place.environmentId,
          place.hostId,
          state.changeId,
          state.manifestRoot,
          state.generation,
          state.capacityBytes,
          state.volumeBytes,
          state.jobId,
          state.sampleCursor,
          clock.now(),
        ],
      ),
    markDirty: async (tx, key, areas) => {
      const known = await find(sqlOf(tx), key);
      if (known === null) return;
      await set(tx, key, { name: 'dirty', value: JSON.stringify(normalise([...known.dirty, ...areas])) });
    },
    makeVoid: (tx, key, because) => set(tx, key, { name: 'void_because', value: because }),
  };
}
