import { type Event, event } from '../../../shared/contract/events.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventHistory, EventRows } from '../../ports/rows.ts';
import { type Database, sqlOf } from './database.ts';

/** seq comes from the transaction that changes the state: gap-free, and never seen before it is on disk. */
export function createEventRows(
  database: Database,
  clock: Clock,
  publish: (event: Event) => void,
): EventRows & EventHistory {
  return {
    append: async (tx, body) => {
      const at = clock.now();
      await sqlOf(tx).run('INSERT INTO events (at, body) VALUES (?, ?)', [at, JSON.stringify(body)]);
      const [row] = await sqlOf(tx).all('SELECT last_insert_rowid() AS seq');
      const seq = Number(row?.['seq']);
      database.afterCommit(tx, () => {
        publish({ seq, at, body });
      });
    },
    after: async (seq, limit) => {
      const rows = await database.read.all('SELECT * FROM events WHERE seq > ? ORDER BY seq LIMIT ?', [seq, limit]);
      return rows.map((row) =>
        event.parse({ seq: row['seq'], at: row['at'], body: JSON.parse(String(row['body'])) as unknown }),
      );
    },
    bounds: async () => {
      const [row] = await database.read.all(
        'SELECT coalesce(min(seq), 1) AS oldest, coalesce(max(seq), 0) AS newest FROM events',
      );
      return { oldest: Number(row?.['oldest']), newest: Number(row?.['newest']) };
    },
  };
}
