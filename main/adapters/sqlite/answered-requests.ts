import type { Clock } from '../../ports/clock.ts';
import type { AnsweredRequests } from '../../ports/rows.ts';
import { json, text } from './columns.ts';
import { type Database, sqlOf } from './database.ts';

export const createAnsweredRequests = (database: Database, clock: Clock): AnsweredRequests => ({
  find: async (key) => {
    const [row] = await database.read.all('SELECT * FROM answered_requests WHERE key = ?', [key]);
    return row === undefined ? null : { requestHash: text(row, 'request_hash'), reply: json(row, 'reply') };
  },
  keep: async (tx, { key, requestHash, reply }) => {
    await sqlOf(tx).run(
      `INSERT INTO answered_requests (key, request_hash, reply, answered_at) VALUES (?, ?, ?, ?)
       ON CONFLICT (key) DO NOTHING`,
      [key, requestHash, JSON.stringify(reply), clock.now()],
    );
  },
});
