import type { z } from 'zod';
import type { AppError, ErrorCode } from '../../shared/errors.ts';
import type { RunRow } from '../ports/journal.ts';
import type { Tx } from '../ports/store.ts';

export type Observation<Out, Handle = unknown> =
  | { readonly state: 'done'; readonly output: Out }
  /** Begun, not ended: ask again. A handle that was lost with the reply and found again is kept. */
  | { readonly state: 'pending'; readonly handle?: Handle }
  /** Not begun, as far as the world shows. */
  | { readonly state: 'absent' }
  /**
   * The act of this handle is over, failed, and left the world as it was: it may be made again. The handle is dropped
   * before the error is thrown, so that whoever resumes asks anew instead of reading the old failure once more.
   */
  | { readonly state: 'failed'; readonly error: AppError };

export type StepContext = {
  readonly signal: AbortSignal;
  /** 1 for the first act; rises with every further one, also over restarts. */
  readonly attempt: number;
};

/**
 * One side effect: intent, look, act, record. `observe` is asked before every act, also after a crash, so an act that
 * happened but was not recorded is found rather than repeated. It throws for a failure that a repeat cannot mend.
 */
export type Step<Out, Handle> = {
  /** What the step depends on; a journal with the same name and another input is refused. */
  readonly input: unknown;
  readonly output: z.ZodType<Out>;
  readonly handle: z.ZodType<Handle>;
  observe(handle: Handle | undefined, context: StepContext): Promise<Observation<Out, Handle>>;
  act(context: StepContext): Promise<Handle>;
  /** Rows that change with the step, written in the transaction that records it. */
  record?(tx: Tx, output: Out): Promise<void>;
  /** How often errors that may pass (catalogue: backoff) are tried again; without end where not given. */
  readonly retries?: number;
  /** Errors that may pass and do not count among these. */
  readonly uncounted?: ReadonlySet<ErrorCode>;
};

export type RunContext = {
  readonly runId: string;
  readonly signal: AbortSignal;
  step<Out, Handle>(name: string, step: Step<Out, Handle>): Promise<Out>;
  /** Starts or joins the run of that name and waits for its end; its failure is thrown here. */
  child<In, Out>(name: string, workflow: Workflow<In, Out>, input: In): Promise<Out>;
  /** Asks the children that can be cancelled to stop; they are still to be awaited. */
  cancelChildren(): Promise<void>;
  /** Writes rows that no side effect depends on, such as the phase shown. */
  write(work: (tx: Tx) => Promise<void>): Promise<void>;
  /** While `work` runs, the run is shown as waiting for this reason. */
  waiting<T>(reason: string, work: () => Promise<T>): Promise<T>;
};

export type Workflow<In, Out> = {
  readonly name: string;
  readonly version: number;
  readonly input: z.ZodType<In>;
  readonly output: z.ZodType<Out>;
  /** Operations on the cloud cannot be called back once accepted: a cancel waits for their end. */
  readonly cancellable: boolean;
  /**
   * Errors that end a run nobody waits above, where a part of a larger run is held for a person: whoever asked for it
   * alone gets the answer, and may ask again.
   */
  readonly failsAlone?: ReadonlySet<ErrorCode>;
  run(context: RunContext, input: In): Promise<Out>;
  /** Takes back what may be taken back after a failure or a cancel; its steps are journalled like any other. */
  undo?(context: RunContext, input: In): Promise<void>;
  /** Keeps the row that the user sees in step with the run, in the same transaction. */
  project?(tx: Tx, run: RunRow): Promise<void>;
};

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a table of workflows of every type
export type AnyWorkflow = Workflow<any, any>;
