import { asAppError, catalogue } from '../../shared/errors.ts';
import type { RunRow } from '../ports/journal.ts';
import type { Tx } from '../ports/store.ts';
import { drive, joinRun } from './drive.ts';
import { shortReason } from './reason.ts';
import type { ChildOrder, LiveRun, Runtime } from './runtime.ts';
import { whileWaiting } from './show-waits.ts';
import { isFinal } from './status.ts';
import type { AnyWorkflow } from './workflow.ts';

export type RunOrder = {
  readonly id: string;
  readonly parentId: string | null;
  readonly workflow: AnyWorkflow;
  readonly input: unknown;
  /** Rows to write in the transaction that makes the run durable. */
  readonly along?: ((tx: Tx) => Promise<void>) | undefined;
};

/** The run of that id, made durable if it is new. */
export async function insertRun({ parts, persist }: Runtime, order: RunOrder): Promise<RunRow> {
  const { id, parentId, workflow } = order;
  const known = await parts.journal.run(id);
  if (known !== null) return known;
  const now = parts.clock.now();
  const row: RunRow = {
    id,
    workflow: workflow.name,
    version: workflow.version,
    parentId,
    input: workflow.input.parse(order.input),
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
  const insert = async (tx: Tx): Promise<void> => {
    await parts.journal.insertRun(tx, row);
    await order.along?.(tx);
    await workflow.project?.(tx, row);
  };
  // A person who starts something is told of a full disk; a run that is under way waits for space.
  if (parentId === null) await parts.store.write(insert);
  else await persist(insert);
  return row;
}

export async function startChild(
  runtime: Runtime,
  parent: LiveRun,
  { name, workflow, input }: ChildOrder,
): Promise<unknown> {
  const id = runtime.parts.ids.derive(parent.row.id, name);
  const row = await patiently(runtime, parent, () =>
    insertRun(runtime, { id, parentId: parent.row.id, workflow, input }),
  );
  if (!isFinal(row.status)) drive(runtime, row);
  return await joinRun(runtime, id);
}

/** What stands in the way of a child, such as another operation on its volume, is waited out, visibly. */
async function patiently(runtime: Runtime, parent: LiveRun, insert: () => Promise<RunRow>): Promise<RunRow> {
  const { signal } = parent.row.undoing === null ? parent.controller : runtime.shutdown;
  for (let delayMs = 50; ; delayMs = Math.min(2_000, 2 * delayMs)) {
    try {
      return await insert();
    } catch (thrown) {
      const error = asAppError(thrown);
      if (catalogue[error.code].retry !== 'backoff') throw thrown;
      const work = (): Promise<void> => runtime.parts.clock.sleep(delayMs, { signal });
      await whileWaiting(runtime, parent, { reason: shortReason(error), work });
    }
  }
}
