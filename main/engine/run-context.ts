import { AppError } from '../../shared/errors.ts';
import type { StepRow } from '../ports/journal.ts';
import { pursue } from './pursue-step.ts';
import type { LiveRun, Runtime } from './runtime.ts';
import { whileWaiting } from './show-waits.ts';
import type { RunContext, Step } from './workflow.ts';

type Way = {
  readonly signal: AbortSignal /** Keeps the steps of the undo apart from those of the way forward. */;
  readonly prefix: string;
};

/** What a workflow sees of the engine. */
export function createRunContext(runtime: Runtime, run: LiveRun, way: Way): RunContext {
  const { signal, prefix } = way;
  return {
    runId: run.row.id,
    signal,
    step: (name, definition) => runStep(runtime, run, { way, name: prefix + name, definition }),
    waiting: (reason, work) => whileWaiting(runtime, run, { reason, work }),
    child: async (name, workflow, input) => {
      signal.throwIfAborted();
      return workflow.output.parse(await runtime.startChild(run, { name: prefix + name, workflow, input }));
    },
    cancelChildren: () => runtime.cancelChildren(run.row.id),
    write: (work) => runtime.persist(work),
  };
}

type StepOrder<Out, Handle> = { readonly way: Way; readonly name: string; readonly definition: Step<Out, Handle> };

async function runStep<Out, Handle>(runtime: Runtime, run: LiveRun, order: StepOrder<Out, Handle>): Promise<Out> {
  const { name, definition, way } = order;
  const { journal, points, ids } = runtime.parts;
  const at = (moment: string): Promise<void> => points.reached(`${run.workflow.name}/${name}/${moment}`);
  const inputHash = ids.digest(definition.input);
  way.signal.throwIfAborted();
  const known = await journal.step(run.row.id, name);
  if (known !== null && known.inputHash !== inputHash) {
    throw new AppError('WORKFLOW_CHANGED', `Step ${name} was begun with another input.`);
  }
  if (known?.state === 'done') return definition.output.parse(known.output);
  await at('before-intent');
  const intended: StepRow = {
    runId: run.row.id,
    name,
    inputHash,
    state: 'intended',
    attempts: 1,
    handle: null,
    output: null,
  };
  if (known === null) await runtime.persist((tx) => journal.putStep(tx, intended));
  await at('after-intent');
  const output = await pursue({
    runtime,
    run,
    definition,
    signal: way.signal,
    row: known ?? intended,
    fresh: known === null,
    at,
    waiting: (reason, work) => whileWaiting(runtime, run, { reason, work }),
  });
  await at('after-record');
  return output;
}
