import { AppError, asAppError, toErrorBody } from '../../shared/errors.ts';
import type { RunRow } from '../ports/journal.ts';
import type { Tx } from '../ports/store.ts';
import { orAborted } from './abort.ts';
import { cancelChildren, cancelRun } from './cancel-run.ts';
import { drive, joinRun } from './drive.ts';
import { shortReason } from './reason.ts';
import { createRuntime, type EngineParts, type Runtime } from './runtime.ts';
import { insertRun, startChild } from './start-run.ts';
import { isFinal } from './status.ts';
import type { Workflow } from './workflow.ts';

type StartOptions = {
  readonly id?: string;
  /** Rows to write in the transaction that makes the run durable. */
  readonly along?: (tx: Tx) => Promise<void>;
  /** Awaited before the run is driven: what it is told of is the run as it was made. Also when it was there already. */
  readonly made?: () => Promise<void>;
};

export type Engine = {
  /** Makes the run durable, then drives it in the background. Starting the same id again joins it. */
  start<In, Out>(workflow: Workflow<In, Out>, input: In, options?: StartOptions): Promise<string>;
  /** Waits for the end of a run. Rejects with the run's own error, or with the signal's reason. */
  join(id: string, options: { readonly signal: AbortSignal }): Promise<unknown>;
  cancel(id: string): Promise<void>;
  /** Drives a held run again. */
  resume(id: string): Promise<void>;
  isHeld(id: string): Promise<boolean>;
  /** Why no run can record anything now, e.g. a full data directory; null when they can. */
  stalled(): string | null;
  /** Drives everything that was unfinished when the last process ended. */
  recover(): Promise<number>;
  /** Stops at the next checkpoint; unfinished runs go on at the next start. */
  close(): Promise<void>;
};

export function createEngine(parts: EngineParts): Engine {
  const { journal, ids } = parts;
  const runtime: Runtime = {
    ...createRuntime(parts),
    cancel: (id) => cancelRun(runtime, id),
    cancelChildren: (parentId) => cancelChildren(runtime, parentId),
    startChild: (run, child) => startChild(runtime, run, child),
  };
  const { live, shutdown } = runtime;

  return {
    start: async (workflow, input, { id = ids.next(), along, made } = {}) => {
      const row = await insertRun(runtime, { id, parentId: null, workflow, input, along });
      await made?.();
      if (!isFinal(row.status) && row.status !== 'held') drive(runtime, row);
      return row.id;
    },
    isHeld: async (id) => (await journal.run(id))?.status === 'held',
    stalled: runtime.stalled,
    join: (id, { signal }) => orAborted(joinRun(runtime, id), signal),
    cancel: runtime.cancel,
    resume: async (id) => {
      const row = await journal.run(id);
      if (row === null) throw new AppError('NOT_FOUND', `No run ${id}.`);
      if (row.status !== 'held') throw new AppError('INVALID_REQUEST', `The run is ${row.status}, not held.`);
      drive(runtime, row);
    },
    recover: async () => {
      const rows = (await journal.unfinishedRoots()).filter((row) => row.status !== 'held' || row.cancelRequested);
      for (const row of rows) await recoverOne(runtime, row);
      return rows.length;
    },
    close: async () => {
      const reason = new AppError('SHUTTING_DOWN');
      shutdown.abort(reason);
      for (const run of live.values()) run.controller.abort(reason);
      await Promise.all([...live.values()].map((run) => run.ended));
    },
  };
}

/** A run that this build cannot go on with is parked before any side effect; the others go on. */
async function recoverOne(runtime: Runtime, row: RunRow): Promise<void> {
  try {
    drive(runtime, row);
  } catch (error) {
    const known = asAppError(error);
    if (known.code !== 'WORKFLOW_CHANGED') throw error;
    const reason = shortReason(known);
    await runtime.persist((tx) =>
      runtime.parts.journal.updateRun(tx, row.id, { status: 'held', reason, error: toErrorBody(known) }),
    );
  }
}
