import { AppError, asAppError, catalogue } from '../../shared/errors.ts';
import type { RunRow, StepRow } from '../ports/journal.ts';
import type { Tx } from '../ports/store.ts';
import type { EngineParts, RunPatch } from './engine.ts';
import type { AnyWorkflow, RunContext, Step, Workflow } from './workflow.ts';

export type LiveRun = {
  row: RunRow;
  readonly workflow: AnyWorkflow;
  readonly controller: AbortController;
  /** Reasons of the waits that are open now. */
  readonly waits: string[];
  /** Resolves when this process no longer works on the run. */
  ended: Promise<void>;
};

type ContextParts = {
  readonly parts: EngineParts;
  readonly run: LiveRun;
  readonly signal: AbortSignal;
  readonly prefix: string;
  persist<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  update(run: LiveRun, patch: RunPatch): Promise<void>;
  startChild(run: LiveRun, name: string, workflow: AnyWorkflow, input: unknown): Promise<unknown>;
  cancelChildren(parentId: string): Promise<void>;
};

const pollDelayMs = (round: number): number => Math.min(2_000, 25 * 2 ** Math.min(round, 8));
const backoffMs = (failures: number): number => Math.min(30_000, 200 * 2 ** Math.min(failures - 1, 10));

export function createRunContext(all: ContextParts): RunContext {
  const { parts, run, signal, prefix, persist, update } = all;
  const { clock, journal, points } = parts;

  const waiting = async <T>(reason: string, work: () => Promise<T>): Promise<T> => {
    run.waits.push(reason);
    if (run.waits.length === 1) await update(run, { status: 'waiting', reason });
    try {
      return await work();
    } finally {
      run.waits.splice(run.waits.indexOf(reason), 1);
      if (run.waits.length === 0 && run.row.status === 'waiting')
        await update(run, { status: 'running', reason: null });
    }
  };

  const step = async <Out, Handle>(plainName: string, definition: Step<Out, Handle>): Promise<Out> => {
    const name = prefix + plainName;
    const at = (moment: string): Promise<void> => points.reached(`${run.workflow.name}/${name}/${moment}`);
    const inputHash = parts.ids.digest(definition.input);
    signal.throwIfAborted();
    let row = await journal.step(run.row.id, name);
    if (row !== null && row.inputHash !== inputHash) {
      throw new AppError('WORKFLOW_CHANGED', `Step ${name} was begun with another input.`);
    }
    if (row?.state === 'done') return definition.output.parse(row.output);
    await at('before-intent');
    let fresh = false;
    if (row === null) {
      row = { runId: run.row.id, name, inputHash, state: 'intended', attempts: 1, handle: null, output: null };
      fresh = true;
      await put(row);
    }
    await at('after-intent');
    const output = await pursue({ row, fresh, definition, at });
    await at('after-record');
    return output;
  };

  const put = (row: StepRow): Promise<void> => persist((tx) => journal.putStep(tx, row));

  type Pursuit<Out, Handle> = {
    row: StepRow;
    fresh: boolean;
    readonly definition: Step<Out, Handle>;
    readonly at: (moment: string) => Promise<void>;
  };

  const pursue = async <Out, Handle>(pursuit: Pursuit<Out, Handle>): Promise<Out> => {
    const { definition } = pursuit;
    let failures = 0;
    for (let round = 0; ; round += 1) {
      signal.throwIfAborted();
      try {
        const output = await lookThenAct(pursuit);
        if (output !== undefined) return output.value;
        await clock.sleep(pollDelayMs(round), { signal });
      } catch (thrown) {
        signal.throwIfAborted();
        const error = asAppError(thrown);
        failures += 1;
        if (catalogue[error.code].retry !== 'backoff' || failures > (definition.retries ?? Infinity)) throw error;
        parts.log.warn('a step is tried again', {
          run_id: run.row.id,
          step: pursuit.row.name,
          failures,
          code: error.code,
          reason: error.reason,
        });
        round = 0;
        const reason = `${error.code}: ${error.reason ?? catalogue[error.code].summary}`;
        await waiting(reason, () => clock.sleep(backoffMs(failures), { signal }));
      }
    }
  };

  /** One round: undefined means ask again later. */
  const lookThenAct = async <Out, Handle>(pursuit: Pursuit<Out, Handle>): Promise<{ value: Out } | undefined> => {
    const { definition, at } = pursuit;
    const handle = pursuit.row.handle === null ? undefined : definition.handle.parse(pursuit.row.handle);
    const seen = await definition.observe(handle, { signal, attempt: pursuit.row.attempts });
    if (seen.state === 'pending') return undefined;
    if (seen.state === 'absent') {
      if (!pursuit.fresh) {
        pursuit.row = { ...pursuit.row, attempts: pursuit.row.attempts + 1 };
        await put(pursuit.row);
      }
      pursuit.fresh = false;
      const acted = await definition.act({ signal, attempt: pursuit.row.attempts });
      await at('after-act');
      pursuit.row = { ...pursuit.row, state: 'acted', handle: acted };
      await put(pursuit.row);
      return await lookAfterAct(pursuit, acted);
    }
    return await record(pursuit, seen.output);
  };

  const lookAfterAct = async <Out, Handle>(
    pursuit: Pursuit<Out, Handle>,
    handle: Handle,
  ): Promise<{ value: Out } | undefined> => {
    const seen = await pursuit.definition.observe(handle, { signal, attempt: pursuit.row.attempts });
    return seen.state === 'done' ? await record(pursuit, seen.output) : undefined;
  };

  const record = async <Out, Handle>(pursuit: Pursuit<Out, Handle>, output: Out): Promise<{ value: Out }> => {
    await persist(async (tx) => {
      await journal.putStep(tx, { ...pursuit.row, state: 'done', output });
      await pursuit.definition.record?.(tx, output);
    });
    return { value: output };
  };

  return {
    runId: run.row.id,
    signal,
    step,
    waiting,
    child: async <In, Out>(name: string, workflow: Workflow<In, Out>, input: In): Promise<Out> => {
      signal.throwIfAborted();
      return workflow.output.parse(await all.startChild(run, prefix + name, workflow, input));
    },
    cancelChildren: () => all.cancelChildren(run.row.id),
    write: (work) => persist(work),
  };
}
