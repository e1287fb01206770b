import { type AppError, asAppError, catalogue } from '../../shared/errors.ts';
import type { StepRow } from '../ports/journal.ts';
import { shortReason } from './reason.ts';
import type { LiveRun, Runtime } from './runtime.ts';
import type { Step } from './workflow.ts';

const pollDelayMs = (round: number): number => Math.min(2_000, 25 * 2 ** Math.min(round, 8));
const backoffMs = (failures: number): number => Math.min(30_000, 200 * 2 ** Math.min(failures - 1, 10));

export type Pursuit<Out, Handle> = {
  readonly runtime: Runtime;
  readonly run: LiveRun;
  readonly definition: Step<Out, Handle>;
  readonly signal: AbortSignal;
  row: StepRow;
  /** True until the first act of a step whose intent was written just now: nobody can have acted yet. */
  fresh: boolean;
  at(moment: string): Promise<void>;
  waiting<T>(reason: string, work: () => Promise<T>): Promise<T>;
};

/** Looks and acts until the step is done; errors that may pass are waited out, visibly. */
export async function pursue<Out, Handle>(pursuit: Pursuit<Out, Handle>): Promise<Out> {
  const { definition, signal } = pursuit;
  const { clock } = pursuit.runtime.parts;
  let failures = 0;
  let counted = 0;
  for (let round = 0; ; round += 1) {
    signal.throwIfAborted();
    try {
      const done = await lookThenAct(pursuit);
      if (done !== null) return done.output;
      await clock.sleep(pollDelayMs(round), { signal });
    } catch (thrown) {
      signal.throwIfAborted();
      const error = asAppError(thrown);
      failures += 1;
      if (definition.uncounted?.has(error.code) !== true) counted += 1;
      round = 0;
      const last = counted > (definition.retries ?? Number.POSITIVE_INFINITY);
      await waitOut(pursuit, { error, failures, last });
    }
  }
}

type Failure = {
  readonly error: AppError;
  readonly failures: number;
  readonly last: boolean;
};

async function waitOut<Out, Handle>(pursuit: Pursuit<Out, Handle>, failure: Failure): Promise<void> {
  const { clock, log } = pursuit.runtime.parts;
  const { error, failures, last } = failure;
  if (catalogue[error.code].retry !== 'backoff' || last) throw error;
  const about = { run_id: pursuit.row.runId, step: pursuit.row.name, failures, code: error.code, reason: error.reason };
  log.warn('a step is tried again', about);
  await pursuit.waiting(shortReason(error), () => clock.sleep(backoffMs(failures), { signal: pursuit.signal }));
}

type Done<Out> = { readonly output: Out } | null;

/** One round: null means ask again later. */
async function lookThenAct<Out, Handle>(pursuit: Pursuit<Out, Handle>): Promise<Done<Out>> {
  const { definition, signal } = pursuit;
  const handle = pursuit.row.handle === null ? undefined : definition.handle.parse(pursuit.row.handle);
  const seen = await definition.observe(handle, { signal, attempt: pursuit.row.attempts });
  if (seen.state === 'pending') {
    if (seen.handle !== undefined && pursuit.row.handle === null) await put(pursuit, { handle: seen.handle });
    return null;
  }
  if (seen.state === 'done') return await record(pursuit, seen.output);
  if (seen.state === 'failed') {
    await put(pursuit, { state: 'intended', handle: null });
    throw seen.error;
  }
  if (!pursuit.fresh) await put(pursuit, { attempts: pursuit.row.attempts + 1 });
  pursuit.fresh = false;
  const acted = await definition.act({ signal, attempt: pursuit.row.attempts });
  await pursuit.at('after-act');
  await put(pursuit, { state: 'acted', handle: acted });
  const after = await definition.observe(acted, { signal, attempt: pursuit.row.attempts });
  return after.state === 'done' ? await record(pursuit, after.output) : null;
}

async function put<Out, Handle>(pursuit: Pursuit<Out, Handle>, patch: Partial<StepRow>): Promise<void> {
  const { runtime } = pursuit;
  pursuit.row = { ...pursuit.row, ...patch };
  await runtime.persist((tx) => runtime.parts.journal.putStep(tx, pursuit.row));
}

async function record<Out, Handle>(
  { runtime, row, definition }: Pursuit<Out, Handle>,
  output: Out,
): Promise<Done<Out>> {
  await runtime.persist(async (tx) => {
    await runtime.parts.journal.putStep(tx, { ...row, state: 'done', output });
    await definition.record?.(tx, output);
  });
  return { output };
}
