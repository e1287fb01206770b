import { AppError, asAppError, catalogue, type ErrorBody, fromErrorBody, toErrorBody } from '../../shared/errors.ts';
import type { RunRow } from '../ports/journal.ts';
import { shortReason } from './reason.ts';
import { createRunContext } from './run-context.ts';
import type { LiveRun, Runtime } from './runtime.ts';
import { showHeld } from './show-waits.ts';
import { isFinal } from './status.ts';

/** Works on a run in the background until it ends, is held, or the process shuts down. Driving it twice is driving it once. */
export function drive(runtime: Runtime, row: RunRow): LiveRun {
  const { live, shutdown, parts } = runtime;
  const running = live.get(row.id);
  if (running !== undefined) return running;
  if (shutdown.signal.aborted) throw new AppError('SHUTTING_DOWN');
  const workflow = runtime.workflowOf(row);
  const run: LiveRun = {
    row,
    workflow,
    controller: new AbortController(),
    waits: [],
    heldParts: [],
    ended: Promise.resolve(),
  };
  live.set(row.id, run);
  run.ended = guarded(runtime, run, () => begin(runtime, run))
    .catch((error: unknown) => {
      if (!shutdown.signal.aborted) parts.log.error('the state of a run could not be kept', { run_id: row.id, error });
    })
    .finally(() => {
      live.delete(row.id);
      // A cancel that came while the run was being parked: it must not wait for the next start.
      if (run.row.status === 'held' && run.row.cancelRequested && run.row.undoing === null && !shutdown.signal.aborted)
        drive(runtime, run.row);
    });
  return run;
}

/** The end of a run that this process drives, or that has ended. Rejects with the run's own error. */
export async function joinRun({ live, shutdown, parts }: Runtime, id: string): Promise<unknown> {
  await live.get(id)?.ended;
  if (shutdown.signal.aborted) throw new AppError('SHUTTING_DOWN');
  const row = await parts.journal.run(id);
  if (row === null) throw new AppError('NOT_FOUND', `No run ${id}.`);
  if (row.error !== null) throw fromErrorBody(row.error);
  if (!isFinal(row.status)) throw new AppError('INTERNAL', `Run ${id} stopped as ${row.status}.`);
  return row.output;
}

async function begin(runtime: Runtime, run: LiveRun): Promise<void> {
  if (run.row.undoing !== null) await undo(runtime, run, run.row.undoing);
  else if (run.row.cancelRequested) await undo(runtime, run, toErrorBody(new AppError('CANCELLED')));
  else await forward(runtime, run);
}

async function forward(runtime: Runtime, run: LiveRun): Promise<void> {
  if (run.row.status !== 'running') await runtime.update(run, { status: 'running', reason: null, error: null });
  const input: unknown = run.workflow.input.parse(run.row.input);
  const context = createRunContext(runtime, run, { signal: run.controller.signal, prefix: '' });
  const output: unknown = await run.workflow.run(context, input);
  await runtime.update(run, { status: 'completed', reason: null, output, completedAt: runtime.parts.clock.now() });
}

async function undo(runtime: Runtime, run: LiveRun, cause: ErrorBody): Promise<void> {
  if (run.row.undoing === null) await runtime.update(run, { undoing: cause });
  if (run.row.status !== 'running') await runtime.update(run, { status: 'running', reason: 'undoing' });
  await quietenChildren(runtime, run);
  const input: unknown = run.workflow.input.parse(run.row.input);
  await run.workflow.undo?.(
    createRunContext(runtime, run, { signal: runtime.shutdown.signal, prefix: 'undo/' }),
    input,
  );
  const status = cause.code === 'CANCELLED' ? 'cancelled' : 'failed';
  await runtime.update(run, { status, reason: null, error: cause, completedAt: runtime.parts.clock.now() });
}

/** Nothing below a run may be at work when its undo starts, and none stays held for a person: nobody asks for it any more. */
async function quietenChildren(runtime: Runtime, run: LiveRun): Promise<void> {
  for (const child of await runtime.parts.journal.childrenOf(run.row.id)) {
    if (isFinal(child.status)) continue;
    if (runtime.workflowOf(child).cancellable || child.status === 'held') await runtime.cancel(child.id);
    else drive(runtime, child);
    await untilQuiet(runtime, child.id);
    const left = await runtime.parts.journal.run(child.id);
    if (left === null || isFinal(left.status)) continue;
    await runtime.cancel(child.id);
    await untilQuiet(runtime, child.id);
  }
}

async function untilQuiet(runtime: Runtime, id: string): Promise<void> {
  const { parts, shutdown } = runtime;
  try {
    await joinRun(runtime, id);
  } catch (error) {
    if (shutdown.signal.aborted) throw error;
    parts.log.info('a part of a failed run ended', { run_id: id, code: asAppError(error).code });
  }
}

async function guarded(runtime: Runtime, run: LiveRun, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await parkOrFail(runtime, run, error);
  }
}

/** A failure is undone; what a person can mend is held with everything left in place. At shutdown nothing is decided. */
async function parkOrFail(runtime: Runtime, run: LiveRun, thrown: unknown): Promise<void> {
  const { shutdown, parts } = runtime;
  if (shutdown.signal.aborted) return;
  const cancelled = run.controller.signal.aborted;
  const error = asAppError(cancelled && run.row.undoing === null ? run.controller.signal.reason : thrown);
  if (error.code === 'INTERNAL')
    parts.log.error('a run met an unknown condition', { run_id: run.row.id, error: thrown });
  const failsAlone = run.row.parentId === null && run.workflow.failsAlone?.has(error.code) === true;
  if (run.row.undoing === null && (failsAlone || catalogue[error.code].after === 'fail')) {
    await guarded(runtime, run, () => undo(runtime, run, toErrorBody(error)));
    return;
  }
  const reason = shortReason(error);
  parts.log.warn('a run is held', {
    run_id: run.row.id,
    workflow: run.row.workflow,
    code: error.code,
    reason: error.reason,
  });
  await runtime.update(run, { status: 'held', reason, error: toErrorBody(error) });
  await showHeld(runtime, run, reason);
}
