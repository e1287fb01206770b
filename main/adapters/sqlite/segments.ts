import type { SegmentRows } from '../../ports/rows.ts';
import { number, text } from './columns.ts';
import { type Database, sqlOf } from './database.ts';

export function createSegmentRows(database: Database): SegmentRows {
  return {
    of: async (jobId, diskKey) => {
      const rows = await database.read.all('SELECT * FROM transfer_segments WHERE job_id = ? AND disk_key = ?', [
        jobId,
        diskKey,
      ]);
      return rows.map((row) => ({
        jobId: text(row, 'job_id'),
        diskKey: number(row, 'disk_key'),
        name: text(row, 'name'),
        attempts: number(row, 'attempts'),
        bytesWritten: number(row, 'bytes_written'),
        done: number(row, 'done') === 1,
      }));
    },
    clear: (tx, { jobId, diskKey }) =>
      sqlOf(tx).run('DELETE FROM transfer_segments WHERE job_id = ? AND disk_key = ?', [jobId, diskKey]),
    put: (tx, row) =>
      sqlOf(tx).run(
        `INSERT INTO transfer_segments (job_id, disk_key, name, attempts, bytes_written, done) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (job_id, disk_key, name) DO UPDATE SET attempts = excluded.attempts, bytes_written = excluded.bytes_written, done = excluded.done`,
        [row.jobId, row.diskKey, row.name, row.attempts, row.bytesWritten, row.done ? 1 : 0],
      ),
  };
}
