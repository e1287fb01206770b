import { AppError, asAppError } from '../../shared/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Journal, RunRow } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Points } from '../ports/points.ts';
import type { Store, Tx } from '../ports/store.ts';
import { mayBecome } from './status.ts';
import type { AnyWorkflow } from './workflow.ts';

export type EngineParts = {
  readonly journal: Journal;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly points: Points;
  readonly log: Log;
  readonly workflows: readonly AnyWorkflow[];
};

/** A run that this process works on. */
export type LiveRun = {
  row: RunRow;
  readonly workflow: AnyWorkflow;
  readonly controller: AbortController;
  /** Reasons of the waits that are open now. */
  readonly waits: string[];
  /** Resolves when this process no longer works on the run. */
  ended: Promise<void>;
};

export type RunPatch = Parameters<Journal['updateRun']>[2];

/** What the parts of the engine share; the last three are bound by createEngine, so that the files need no cycle. */
export type Runtime = {
  readonly parts: EngineParts;
  readonly live: Map<string, LiveRun>;
  readonly shutdown: AbortController;
  persist<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  update(run: LiveRun, patch: RunPatch): Promise<void>;
  workflowOf(row: RunRow): AnyWorkflow;
  cancel(id: string): Promise<void>;
  cancelChildren(parentId: string): Promise<void>;
  startChild(run: LiveRun, child: ChildOrder): Promise<unknown>;
};

export type ChildOrder = { readonly name: string; readonly workflow: AnyWorkflow; readonly input: unknown };

export function createRuntime(parts: EngineParts): Omit<Runtime, 'cancel' | 'cancelChildren' | 'startChild'> {
  const shutdown = new AbortController();
  const persist = persistIn(parts, shutdown.signal);
  return {
    parts,
    live: new Map(),
    shutdown,
    persist,
    update: async (run, patch) => {
      run.row = await persist(async (tx) => {
        if (patch.status !== undefined && !mayBecome(run.row.status, patch.status)) {
          throw new Error(`a run cannot go from ${run.row.status} to ${patch.status}`);
        }
        const row = await parts.journal.updateRun(tx, run.row.id, patch);
        await run.workflow.project?.(tx, row);
        return row;
      });
    },
    workflowOf: (row) => {
      const workflow = parts.workflows.find((candidate) => candidate.name === row.workflow);
      if (workflow?.version !== row.version) {
        throw new AppError('WORKFLOW_CHANGED', `The run is ${row.workflow} version ${row.version}.`);
      }
      return workflow;
    },
  };
}

/** A full data directory stops everything before the act (rule J5): it is waited out, not worked around. */
const persistIn =
  ({ store, clock, log }: EngineParts, shutdown: AbortSignal): Runtime['persist'] =>
  async (work) => {
    for (let failures = 0; ; failures += 1) {
      try {
        return await store.write(work);
      } catch (error) {
        if (asAppError(error).code !== 'DATA_DIR_FULL') throw error;
        log.error('data directory is full, waiting for space', { failures });
        await clock.sleep(Math.min(30_000, 500 * 2 ** failures), { signal: shutdown });
      }
    }
  };
