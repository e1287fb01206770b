import type { RunStatus } from '../../shared/contract/migrations.ts';
import type { ErrorBody } from '../../shared/errors.ts';
import type { Tx } from './store.ts';

export type RunRow = {
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly parentId: string | null;
  readonly input: unknown;
  readonly status: RunStatus;
  /** Why it waits or is held. */
  readonly reason: string | null;
  readonly output: unknown;
  readonly error: ErrorBody | null;
  /** Set before the undo starts: after a crash the run goes on undoing, never forward again. */
  readonly undoing: ErrorBody | null;
  readonly cancelRequested: boolean;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly completedAt: string | null;
};

export type StepRow = {
  readonly runId: string;
  readonly name: string;
  readonly inputHash: string;
  readonly state: 'intended' | 'acted' | 'done';
  /** How often the act was begun. */
  readonly attempts: number;
  readonly handle: unknown;
  readonly output: unknown;
};

/** The durable memory of the engine. Reads see what is committed. */
export type Journal = {
  insertRun(tx: Tx, row: RunRow): Promise<void>;
  updateRun(
    tx: Tx,
    id: string,
    patch: Partial<
      Pick<RunRow, 'status' | 'reason' | 'output' | 'error' | 'undoing' | 'cancelRequested' | 'completedAt'>
    >,
  ): Promise<RunRow>;
  run(id: string): Promise<RunRow | null>;
  unfinishedRoots(): Promise<readonly RunRow[]>;
  childrenOf(parentId: string): Promise<readonly RunRow[]>;
  step(runId: string, name: string): Promise<StepRow | null>;
  putStep(tx: Tx, row: StepRow): Promise<void>;
};
