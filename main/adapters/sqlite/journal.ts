import { errorBody } from '../../../shared/contract/fields.ts';
import { runStatus } from '../../../shared/contract/migrations.ts';
import type { ErrorBody } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Journal, RunRow, StepRow } from '../../ports/journal.ts';
import { json, number, text, textOrNull } from './columns.ts';
import { type Database, type Row, sqlOf } from './database.ts';

const asText = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);
const parseError = (value: unknown): ErrorBody | null =>
  value === null ? null : (errorBody.parse(value) as ErrorBody);

function toRun(row: Row): RunRow {
  return {
    id: text(row, 'id'),
    workflow: text(row, 'workflow'),
    version: number(row, 'version'),
    parentId: textOrNull(row, 'parent_id'),
    input: json(row, 'input'),
    status: runStatus.parse(row['status']),
    reason: textOrNull(row, 'reason'),
    output: json(row, 'output'),
    error: parseError(json(row, 'error')),
    undoing: parseError(json(row, 'undoing')),
    cancelRequested: number(row, 'cancel_requested') === 1,
    createdAt: text(row, 'created_at'),
    updatedAt: text(row, 'updated_at'),
    completedAt: textOrNull(row, 'completed_at'),
  };
}

function toStep(row: Row): StepRow {
  const state = text(row, 'state');
  if (state !== 'intended' && state !== 'acted' && state !== 'done') throw new Error(`a step cannot be ${state}`);
  return {
    runId: text(row, 'run_id'),
    name: text(row, 'name'),
    inputHash: text(row, 'input_hash'),
    state,
    attempts: number(row, 'attempts'),
    handle: json(row, 'handle'),
    output: json(row, 'output'),
  };
}

/** Patched column, its value as SQL. */
const columns = {
  status: ['status', (value: unknown) => value as string],
  reason: ['reason', (value: unknown) => value as string | null],
  output: ['output', asText],
  error: ['error', asText],
  undoing: ['undoing', asText],
  cancelRequested: ['cancel_requested', (value: unknown) => (value === true ? 1 : 0)],
  completedAt: ['completed_at', (value: unknown) => value as string | null],
} as const;

export function createJournal(database: Database, clock: Clock): Journal {
  const select = async (sql: string, values: readonly string[]): Promise<RunRow[]> =>
    (await database.read.all(`SELECT * FROM runs ${sql}`, values)).map(toRun);

  return {
    insertRun: (tx, row) =>
      sqlOf(tx).run(
        `INSERT INTO runs (id, workflow, version, parent_id, input, status, reason, cancel_requested, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)`,
        [
          row.id,
          row.workflow,
          row.version,
          row.parentId,
          JSON.stringify(row.input),
          row.status,
          row.reason,
          row.createdAt,
          row.updatedAt,
        ],
      ),
    updateRun: async (tx, id, patch) => {
      const set: string[] = ['updated_at = ?'];
      const values: (string | number | null)[] = [clock.now()];
      for (const [key, value] of Object.entries(patch)) {
        const [column, convert] = columns[key as keyof typeof columns];
        set.push(`${column} = ?`);
        values.push(convert(value));
      }
      await sqlOf(tx).run(`UPDATE runs SET ${set.join(', ')} WHERE id = ?`, [...values, id]);
      const [row] = await sqlOf(tx).all('SELECT * FROM runs WHERE id = ?', [id]);
      if (row === undefined) throw new Error(`no run ${id}`);
      return toRun(row);
    },
    run: async (id) => (await select('WHERE id = ?', [id]))[0] ?? null,
    unfinishedRoots: () => select('WHERE completed_at IS NULL AND parent_id IS NULL ORDER BY created_at, id', []),
    childrenOf: (parentId) => select('WHERE parent_id = ? ORDER BY created_at, id', [parentId]),
    step: async (runId, name) => {
      const [row] = await database.read.all('SELECT * FROM steps WHERE run_id = ? AND name = ?', [runId, name]);
      return row === undefined ? null : toStep(row);
    },
    putStep: (tx, row) =>
      sqlOf(tx).run(
        `INSERT INTO steps (run_id, name, input_hash, state, attempts, handle, output, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT (run_id, name) DO UPDATE SET state = excluded.state, attempts = excluded.attempts,
           handle = excluded.handle, output = excluded.output, updated_at = excluded.updated_at`,
        [
          row.runId,
          row.name,
          row.inputHash,
          row.state,
          row.attempts,
          asText(row.handle),
          asText(row.output),
          clock.now(),
        ],
      ),
  };
}
