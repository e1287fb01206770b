import { AppError, asAppError } from '../../shared/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Journal, RunRow } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Points } from '../ports/points.ts';
import type { Store, Tx } from '../ports/store.ts';
import { shortReason } from './reason.ts';
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
  /** Why parts below it are held. */
  readonly heldParts: string[];
  /** Resolves when this process no longer works on the run. */
  ended: Promise<void>;
};

export type RunPatch = Parameters<Journal['updateRun']>[2];

/** What the parts of the engine share; the last three are bound by createEngine, so that the files need no cycle. */
export type Runtime = {
  readonly parts: EngineParts;
  readonly live: Map<string, LiveRun>;
  readonly shutdown: AbortController;
  /** Why nothing can be recorded now; null when it can. In memory only, because it cannot be written. */
  stalled(): string | null;
  persist<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** A patch that depends on the row is made when its turn to write has come; null writes nothing. */
  update(run: LiveRun, patch: RunPatch | (() => RunPatch | null)): Promise<void>;
  workflowOf(row: RunRow): AnyWorkflow;
  cancel(id: string): Promise<void>;
  cancelChildren(parentId: string): Promise<void>;
  startChild(run: LiveRun, child: ChildOrder): Promise<unknown>;
};

export type ChildOrder = { readonly name: string; readonly workflow: AnyWorkflow; readonly input: unknown };

export function createRuntime(parts: EngineParts): Omit<Runtime, 'cancel' | 'cancelChildren' | 'startChild'> {
  const shutdown = new AbortController();
  const stalls: string[] = [];
  const persist = persistIn(parts, shutdown.signal, stalls);
  return {
    parts,
    live: new Map(),
    shutdown,
    stalled: () => stalls[0] ?? null,
    persist,
    update: async (run, change) => {
      run.row = await persist(async (tx) => {
        const patch = typeof change === 'function' ? change() : change;
        if (patch === null) return run.row;
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
  ({ store, clock, log }: EngineParts, shutdown: AbortSignal, stalls: string[]): Runtime['persist'] =>
  async (work) => {
    for (let failures = 0; ; failures += 1) {
      try {
        return await store.write(work);
      } catch (thrown) {
        const error = asAppError(thrown);
        if (error.code !== 'DATA_DIR_FULL') throw thrown;
        log.error('data directory is full, waiting for space', { failures });
        const reason = shortReason(error);
        stalls.push(reason);
        try {
          await clock.sleep(Math.min(5_000, 500 * 2 ** failures), { signal: shutdown });
        } finally {
          stalls.splice(stalls.indexOf(reason), 1);
        }
      }
    }
  };
