import { existsSync } from 'node:fs';
import { AppError } from '../../../shared/errors.ts';
import { type Database, sqlOf } from './database.ts';
import { firstTables } from './migrations/0010-first-tables.ts';
import { newestMapping } from './migrations/0020-newest-mapping.ts';
import { volumeDaemon } from './migrations/0030-volume-daemon.ts';
import { legacyExports } from './migrations/0040-legacy-exports.ts';
import { sites } from './migrations/0050-sites.ts';
import { sourceSnapshots } from './migrations/0060-source-snapshots.ts';
import { siteKinds } from './migrations/0070-site-kinds.ts';
import { replicaStates } from './migrations/0080-replica-states.ts';
import { jobRates } from './migrations/0085-job-rates.ts';
import { remoteAttempts } from './migrations/0100-remote-attempts.ts';

const migrations = [
  firstTables,
  newestMapping,
  volumeDaemon,
  legacyExports,
  sites,
  sourceSnapshots,
  siteKinds,
  replicaStates,
  jobRates,
  remoteAttempts,
] as const;
const newest = migrations.at(-1)?.number ?? 0;

/** Forward only, after an online backup, each in its own transaction with its number; a newer schema is refused. */
export async function migrate(database: Database, path: string): Promise<void> {
  const [row] = await database.read.all('PRAGMA user_version');
  const current = Number(row?.['user_version'] ?? 0);
  if (current > newest) {
    throw new AppError(
      'SCHEMA_NEWER',
      `The database has schema ${String(current)}, this version knows ${String(newest)}.`,
    );
  }
  const backup = `${path}.before-${String(newest)}`;
  if (current > 0 && current < newest && !existsSync(backup)) await database.backup(backup);
  for (const migration of migrations) {
    if (migration.number <= current) continue;
    await database.write(async (tx) => {
      for (const statement of migration.sql.split(';').filter((part) => part.trim() !== '')) {
        await sqlOf(tx).run(statement);
      }
      await sqlOf(tx).run(`PRAGMA user_version = ${String(migration.number)}`);
    });
  }
}
