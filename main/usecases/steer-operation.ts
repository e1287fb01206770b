import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';
import type { UsecaseParts } from './parts.ts';
import { requireOperation } from './read-volumes.ts';

export const resumeOperation =
  (parts: UsecaseParts): Handlers['resumeOperation'] =>
  async ({ params }, { actor }) => {
    await requireHeldAlone(parts, params.id);
    await parts.store.write((tx) =>
      parts.rows.audit.append(tx, { actor, act: 'operation.resume', subject: params.id, details: null }),
    );
    await parts.engine.resume(params.id);
    return await requireOperation(parts, params.id);
  };

export const abandonOperation =
  (parts: UsecaseParts): Handlers['abandonOperation'] =>
  async ({ params }, { actor, signal }) => {
    await requireHeldAlone(parts, params.id);
    await parts.store.write((tx) =>
      parts.rows.audit.append(tx, { actor, act: 'operation.abandon', subject: params.id, details: null }),
    );
    await parts.engine.cancel(params.id);
    await parts.engine.join(params.id, { signal }).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'CANCELLED') throw error;
    });
    return await requireOperation(parts, params.id);
  };

/** The operations of a migration are steered by the migration. */
async function requireHeldAlone(parts: UsecaseParts, id: string): Promise<void> {
  const operation = await requireOperation(parts, id);
  if (operation.job_id !== null || operation.part_of !== null)
    throw new AppError(
      'INVALID_REQUEST',
      `Operation ${id} is a part of ${operation.job_id ?? operation.part_of ?? ''}.`,
    );
  if (!(await parts.engine.isHeld(id)))
    throw new AppError('INVALID_REQUEST', `The operation is ${operation.status}, not held.`);
}
