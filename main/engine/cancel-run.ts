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
  if (driven !== undefined) {
    await runtime.update(driven, { cancelRequested: true });
    driven.controller.abort(new AppError('CANCELLED'));
  } else {
    drive(runtime, await runtime.persist((tx) => parts.journal.updateRun(tx, id, { cancelRequested: true })));
  }
  await cancelChildren(runtime, id);
}

/** Operations on the cloud cannot be called back; the others are asked to stop. */
export async function cancelChildren(runtime: Runtime, parentId: string): Promise<void> {
  for (const child of await runtime.parts.journal.childrenOf(parentId)) {
    if (!isFinal(child.status) && runtime.workflowOf(child).cancellable) await cancelRun(runtime, child.id);
  }
}
