import { AppError } from '../../../shared/errors.ts';
import type { Attempts } from '../../ports/attempts.ts';
import type { Clock } from '../../ports/clock.ts';
import { number } from './columns.ts';
import { type Database, sqlOf } from './database.ts';
import type { Place } from './place.ts';

type Parts = { readonly database: Database; readonly clock: Clock; readonly place: Place };

export const createAttempts = ({ database, clock, place }: Parts): Attempts => ({
  claim: ({ jobId, diskKeys, attempt }) =>
    database.write(async (tx) => {
      const sql = sqlOf(tx);
      for (const key of diskKeys) {
        const [row] = await sql.all('SELECT attempt FROM remote_attempts WHERE job_id = ? AND disk_key = ?', [
          jobId,
          key,
        ]);
        const seen = row === undefined ? 0 : number(row, 'attempt');
        if (attempt <= seen) {
          const details = { job_id: jobId, disk_key: key, attempt, seen };
          throw new AppError(
            'ATTEMPT_STALE',
            `Attempt ${String(seen)} of disk ${String(key)} was asked for already.`,
            details,
          );
        }
        await sql.run(
          `INSERT INTO remote_attempts (job_id, disk_key, environment_id, attempt, asked_at) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT (job_id, disk_key) DO UPDATE SET attempt = excluded.attempt, asked_at = excluded.asked_at`,
          [jobId, key, place.environmentId, attempt, clock.now()],
        );
      }
    }),
});
