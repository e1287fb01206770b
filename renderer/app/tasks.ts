import type { Migration } from '../../shared/contract/migrations.ts';
import type { Operation } from '../../shared/contract/operations.ts';
import { isEnded, type LiveState } from '../live/entities.ts';
import { type Figures, migrationFigures } from '../live/figures.ts';
import { newestFirst } from '../live/select.ts';
import { operationStatusWords, operationWords, phaseWords, statusWords, type Tone } from '../ui/words.ts';

export type Task = {
  readonly id: string;
  readonly name: string;
  readonly target: string;
  readonly status: string;
  readonly tone: Tone;
  readonly detail: string;
  /** Bytes while they move, null when a word says more. */
  readonly progress: Figures | null;
  readonly rate: number | null;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly jobId: string | null;
  /** Part of the migration above it. */
  readonly part: boolean;
};

const shownTasks = 50;

/** Migrations, newest first, each followed by its volume operations; then operations that belong to none. */
export function recentTasks(live: Pick<LiveState, 'migrations' | 'operations' | 'frames'>): Task[] {
  const operations = newestFirst(Object.values(live.operations));
  const groups = newestFirst(Object.values(live.migrations)).map((migration) => [
    taskOfMigration(migration, live.frames),
    ...operations
      .filter((operation) => operation.job_id === migration.id)
      .map((operation) => taskOfOperation(operation, live.migrations)),
  ]);
  const alone = operations
    .filter((operation) => operation.job_id === null || live.migrations[operation.job_id] === undefined)
    .map((operation) => [taskOfOperation(operation, live.migrations)]);
  return [...groups, ...alone]
    .sort((a, b) => (b[0]?.startedAt ?? '').localeCompare(a[0]?.startedAt ?? ''))
    .flat()
    .slice(0, shownTasks);
}

function taskOfMigration(migration: Migration, frames: LiveState['frames']): Task {
  const figures = migrationFigures(migration, frames);
  const moving = migration.status === 'running' && ['transfer', 'verify'].includes(migration.phase);
  const proved = migration.status === 'completed' && migration.proof !== null;
  return {
    id: migration.id,
    name: 'Migrate VM',
    target: migration.vm_name,
    status: proved ? `Proved: ${migration.proof ?? ''}` : statusWords[migration.status].name,
    tone: statusWords[migration.status].tone,
    detail: detailOfMigration(migration),
    progress: moving ? figures : null,
    rate: moving ? figures.rate : null,
    startedAt: migration.created_at,
    endedAt: isEnded(migration) ? (migration.completed_at ?? migration.updated_at) : null,
    jobId: migration.id,
    part: false,
  };
}

function detailOfMigration(migration: Migration): string {
  if (migration.error !== null) return `${migration.error.code}: ${migration.error.error}`;
  if (migration.reason !== null) return migration.reason;
  if (isEnded(migration)) return '';
  return phaseWords[migration.phase].does;
}

function taskOfOperation(operation: Operation, migrations: LiveState['migrations']): Task {
  const { name, tone } = operationStatusWords[operation.status];
  const migration = operation.job_id === null ? undefined : migrations[operation.job_id];
  return {
    id: operation.id,
    name: operationWords[operation.type],
    target: migration?.vm_name ?? operation.volume_id ?? 'volume not known yet',
    status: name,
    tone,
    detail: operation.error?.error ?? operation.reason ?? '',
    progress: null,
    rate: null,
    startedAt: operation.created_at,
    endedAt: operation.completed_at,
    jobId: operation.job_id,
    part: migration !== undefined,
  };
}
