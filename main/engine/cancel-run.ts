import { AppError } from '../../shared/errors.ts';
import { drive } from './drive.ts';
import type { Runtime } from './runtime.ts';
import { isFinal } from './status.ts';

/** Durable first, then the signal: a cancel is not lost with the process. */
export async function cancelRun(runtime: Runtime, id: string): Promise<void> {
  const { parts, live } = runtime;
  const row = await parts.journal.run(id);
  if (row === null) throw new AppError('NOT_FOUND', `No run ${id}.`);
  if (isFinal(row.status)) return;
  const driven = live.get(id);
  if (driven !== undefined) await runtime.update(driven, { cancelRequested: true });
  const requested =
    driven?.row ?? (await runtime.persist((tx) => parts.journal.updateRun(tx, id, { cancelRequested: true })));
  if (isFinal(requested.status)) return;
  // While the request was written the run may have been parked, or resumed: who works on it now is what counts.
  const now = drive(runtime, requested);
  if (now.row !== requested || now === driven) now.controller.abort(new AppError('CANCELLED'));
  await cancelChildren(runtime, id);
}

/** Operations on the cloud cannot be called back; the others are asked to stop. */
export async function cancelChildren(runtime: Runtime, parentId: string): Promise<void> {
  for (const child of await runtime.parts.journal.childrenOf(parentId)) {
    if (!isFinal(child.status) && runtime.workflowOf(child).cancellable) await cancelRun(runtime, child.id);
  }
}
