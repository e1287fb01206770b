import type { Clock } from '../../ports/clock.ts';
import type { LedgerSnapshot, SnapshotLedger } from '../../ports/snapshot-ledger.ts';
import { text, textOrNull } from './columns.ts';
import { type Database, type Row, sqlOf } from './database.ts';
import type { Place } from './place.ts';

const toSnapshot = (row: Row): LedgerSnapshot => ({
  id: text(row, 'id'),
  vm: text(row, 'vm'),
  name: text(row, 'name'),
  moRef: textOrNull(row, 'mo_ref'),
  state: text(row, 'state') as LedgerSnapshot['state'],
});

type Parts = { readonly database: Database; readonly clock: Clock; readonly place: Place };

/** The ledger of one vCenter: a MoRef has a meaning only there. */
export const snapshotLedgerOf =
  ({ database, clock, place }: Parts) =>
  (siteId: string): SnapshotLedger => ({
    find: async (id) => {
      const where = 'SELECT * FROM source_snapshots WHERE site_id = ? AND id = ?';
      const [row] = await database.read.all(where, [siteId, id]);
      return row === undefined ? null : toSnapshot(row);
    },
    unremoved: async () => {
      const where = "SELECT * FROM source_snapshots WHERE site_id = ? AND state <> 'removed' ORDER BY changed_at, id";
      return (await database.read.all(where, [siteId])).map(toSnapshot);
    },
    record: ({ id, vm, name, moRef, state }) =>
      database.write(async (tx) => {
        await sqlOf(tx).run(
          `INSERT INTO source_snapshots (site_id, id, environment_id, vm, name, mo_ref, state, changed_at)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?)
           ON CONFLICT (site_id, id) DO UPDATE
             SET mo_ref = excluded.mo_ref, state = excluded.state, changed_at = excluded.changed_at`,
          [siteId, id, place.environmentId, vm, name, moRef, state, clock.now()],
        );
      }),
  });
