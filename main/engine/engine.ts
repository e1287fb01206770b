import { AppError, asAppError, catalogue, type ErrorBody, fromErrorBody, toErrorBody } from '../../shared/errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Ids } from '../ports/ids.ts';
import type { Journal, RunRow } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Points } from '../ports/points.ts';
import type { Store, Tx } from '../ports/store.ts';
import { orAborted } from './abort.ts';
import { createRunContext, type LiveRun } from './run-context.ts';
import { isFinal, mayBecome } from './status.ts';
import type { AnyWorkflow, Workflow } from './workflow.ts';

export type EngineParts = {
  readonly journal: Journal;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly points: Points;
  readonly log: Log;
  readonly workflows: readonly AnyWorkflow[];
};

type StartOptions = {
  readonly id?: string;
  readonly parentId?: string;
  /** Rows to write in the transaction that makes the run durable. */
  readonly along?: (tx: Tx, id: string) => Promise<void>;
};

export type Engine = {
  /** Makes the run durable, then drives it in the background. Starting the same id again joins it. */
  start<In, Out>(workflow: Workflow<In, Out>, input: In, options?: StartOptions): Promise<string>;
  /** Waits for the end of a run. Rejects with the run's own error, or with the signal's reason. */
  join(id: string, options: { readonly signal: AbortSignal }): Promise<unknown>;
  cancel(id: string): Promise<void>;
  /** Drives a held run again. */
  resume(id: string): Promise<void>;
  /** Drives everything that was unfinished when the last process ended. */
  recover(): Promise<number>;
  /** Stops at the next checkpoint; unfinished runs go on at the next start. */
  close(): Promise<void>;
};

export type RunPatch = Parameters<Journal['updateRun']>[2];

export function createEngine(parts: EngineParts): Engine {
  const { journal, store, clock, log } = parts;
  const live = new Map<string, LiveRun>();
  const shutdown = new AbortController();

  /** A full data directory stops everything before the act (rule J5): it is waited out, not worked around. */
  const persist = async <T>(work: (tx: Tx) => Promise<T>): Promise<T> => {
    for (let failures = 0; ; failures += 1) {
      try {
        return await store.write(work);
      } catch (error) {
        if (asAppError(error).code !== 'DATA_DIR_FULL') throw error;
        log.error('data directory is full, waiting for space', { failures });
        await clock.sleep(Math.min(30_000, 500 * 2 ** failures), { signal: shutdown.signal });
      }
    }
  };

  const workflowOf = (row: RunRow): AnyWorkflow => {
    const workflow = parts.workflows.find((candidate) => candidate.name === row.workflow);
    if (workflow === undefined || workflow.version !== row.version) {
      throw new AppError('WORKFLOW_CHANGED', `The run is ${row.workflow} version ${String(row.version)}.`);
    }
    return workflow;
  };

  const update = async (run: LiveRun, patch: RunPatch): Promise<void> => {
    run.row = await persist(async (tx) => {
      if (patch.status !== undefined && !mayBecome(run.row.status, patch.status)) {
        throw new Error(`a run cannot go from ${run.row.status} to ${patch.status}`);
      }
      const row = await journal.updateRun(tx, run.row.id, patch);
      await run.workflow.project?.(tx, row);
      return row;
    });
  };

  const context = (run: LiveRun, signal: AbortSignal, prefix: string) =>
    createRunContext({ parts, run, signal, prefix, persist, update, startChild, cancelChildren });

  const cancelChildren = async (parentId: string): Promise<void> => {
    for (const child of await journal.childrenOf(parentId)) {
      if (!isFinal(child.status) && workflowOf(child).cancellable) await cancel(child.id);
    }
  };

  /** Nothing below a run may be at work when its undo starts. */
  const quietenChildren = async (run: LiveRun): Promise<void> => {
    for (const child of await journal.childrenOf(run.row.id)) {
      if (isFinal(child.status)) continue;
      if (workflowOf(child).cancellable || child.status === 'held') await cancel(child.id);
      else drive(child);
      try {
        await joinLive(child.id);
      } catch (error) {
        if (shutdown.signal.aborted) throw error;
        log.info('a part of a failed run ended', { run_id: child.id, code: asAppError(error).code });
      }
    }
  };

  const undo = async (run: LiveRun, cause: ErrorBody): Promise<void> => {
    if (run.row.undoing === null) await update(run, { undoing: cause });
    if (run.row.status !== 'running') await update(run, { status: 'running', reason: 'undoing' });
    await quietenChildren(run);
    const input: unknown = run.workflow.input.parse(run.row.input);
    await run.workflow.undo?.(context(run, shutdown.signal, 'undo/'), input);
    const status = cause.code === 'CANCELLED' ? 'cancelled' : 'failed';
    await update(run, { status, reason: null, error: cause, completedAt: clock.now() });
  };

  const forward = async (run: LiveRun): Promise<void> => {
    if (run.row.status !== 'running') await update(run, { status: 'running', reason: null, error: null });
    const input: unknown = run.workflow.input.parse(run.row.input);
    const output: unknown = await run.workflow.run(context(run, run.controller.signal, ''), input);
    await update(run, { status: 'completed', reason: null, output, completedAt: clock.now() });
  };

  const parkOrFail = async (run: LiveRun, thrown: unknown): Promise<void> => {
    if (shutdown.signal.aborted) return;
    const error = asAppError(thrown);
    const wantsUndo =
      run.row.undoing === null && (run.controller.signal.aborted || catalogue[error.code].after === 'fail');
    if (error.code === 'INTERNAL') log.error('a run met an unknown condition', { run_id: run.row.id, error: thrown });
    if (wantsUndo) {
      await guarded(run, () =>
        undo(run, toErrorBody(run.controller.signal.aborted ? run.controller.signal.reason : error)),
      );
      return;
    }
    const reason = `${error.code}: ${error.reason ?? catalogue[error.code].summary}`;
    log.warn('a run is held', { run_id: run.row.id, workflow: run.row.workflow, code: error.code, reason });
    await update(run, { status: 'held', reason, error: toErrorBody(error) });
  };

  const guarded = async (run: LiveRun, work: () => Promise<void>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      await parkOrFail(run, error);
    }
  };

  const begin = async (run: LiveRun): Promise<void> => {
    if (run.row.undoing !== null) {
      await undo(run, run.row.undoing);
    } else if (run.row.cancelRequested) {
      await undo(run, toErrorBody(new AppError('CANCELLED')));
    } else {
      await forward(run);
    }
  };

  const drive = (row: RunRow): LiveRun | null => {
    const running = live.get(row.id);
    if (running !== undefined) return running;
    if (shutdown.signal.aborted) throw new AppError('SHUTTING_DOWN');
    const workflow = workflowOf(row);
    const controller = new AbortController();
    const run: LiveRun = { row, workflow, controller, waits: [], ended: Promise.resolve() };
    live.set(row.id, run);
    run.ended = guarded(run, () => begin(run))
      .catch((error: unknown) => {
        if (!shutdown.signal.aborted) log.error('the state of a run could not be kept', { run_id: row.id, error });
      })
      .finally(() => {
        live.delete(row.id);
      });
    return run;
  };

  const insert = async (workflow: AnyWorkflow, input: unknown, options: StartOptions): Promise<RunRow> => {
    const id = options.id ?? parts.ids.next();
    const known = await journal.run(id);
    if (known !== null) return known;
    const now = clock.now();
    const row: RunRow = {
      id,
      workflow: workflow.name,
      version: workflow.version,
      parentId: options.parentId ?? null,
      input: workflow.input.parse(input),
      status: 'pending',
      reason: null,
      output: null,
      error: null,
      undoing: null,
      cancelRequested: false,
      createdAt: now,
      updatedAt: now,
      completedAt: null,
    };
    const write = options.parentId === undefined ? store.write : persist;
    await write(async (tx) => {
      await journal.insertRun(tx, row);
      await options.along?.(tx, id);
      await workflow.project?.(tx, row);
    });
    return row;
  };

  const startChild = async (run: LiveRun, name: string, workflow: AnyWorkflow, input: unknown): Promise<unknown> => {
    const id = parts.ids.derive(run.row.id, name);
    const row = await insert(workflow, input, { id, parentId: run.row.id });
    if (!isFinal(row.status)) drive(row);
    return await joinLive(id);
  };

  /** The end of a run that this process drives, or that has ended. */
  const joinLive = async (id: string): Promise<unknown> => {
    await live.get(id)?.ended;
    if (shutdown.signal.aborted) throw new AppError('SHUTTING_DOWN');
    const row = await journal.run(id);
    if (row === null) throw new AppError('NOT_FOUND', `No run ${id}.`);
    if (row.error !== null) throw fromErrorBody(row.error);
    if (!isFinal(row.status)) throw new AppError('INTERNAL', `Run ${id} stopped as ${row.status}.`);
    return row.output;
  };

  const cancel = async (id: string): Promise<void> => {
    const row = await journal.run(id);
    if (row === null) throw new AppError('NOT_FOUND', `No run ${id}.`);
    if (isFinal(row.status)) return;
    const wasDriven = live.get(id);
    if (wasDriven !== undefined) {
      await update(wasDriven, { cancelRequested: true });
      wasDriven.controller.abort(new AppError('CANCELLED'));
    } else {
      const marked = await persist((tx) => journal.updateRun(tx, id, { cancelRequested: true }));
      drive(marked);
    }
    await cancelChildren(id);
  };

  return {
    start: async (workflow, input, options = {}) => {
      const row = await insert(workflow, input, options);
      if (!isFinal(row.status) && row.status !== 'held') drive(row);
      return row.id;
    },
    join: (id, { signal }) => orAborted(joinLive(id), signal),
    cancel,
    resume: async (id) => {
      const row = await journal.run(id);
      if (row === null) throw new AppError('NOT_FOUND', `No run ${id}.`);
      if (row.status !== 'held') throw new AppError('INVALID_REQUEST', `The run is ${row.status}, not held.`);
      drive(row);
    },
    recover: async () => {
      const rows = (await journal.unfinishedRoots()).filter((row) => row.status !== 'held' || row.cancelRequested);
      for (const row of rows) await recoverOne(row);
      return rows.length;
    },
    close: async () => {
      const reason = new AppError('SHUTTING_DOWN');
      shutdown.abort(reason);
      for (const run of live.values()) run.controller.abort(reason);
      await Promise.all([...live.values()].map((run) => run.ended));
    },
  };

  /** A run that this build cannot go on with is parked before any side effect; the others go on. */
  async function recoverOne(row: RunRow): Promise<void> {
    try {
      drive(row);
    } catch (error) {
      const known = asAppError(error);
      if (known.code !== 'WORKFLOW_CHANGED') throw error;
      await persist((tx) =>
        journal.updateRun(tx, row.id, {
          status: 'held',
          reason: `${known.code}: ${known.reason ?? ''}`,
          error: toErrorBody(known),
        }),
      );
    }
  }
}
