import type { CallContext } from '../../shared/contract/calls.ts';
import type { Operation } from '../../shared/contract/operations.ts';
import { AppError } from '../../shared/errors.ts';
import type { Workflow } from '../engine/workflow.ts';
import type { UsecaseParts } from './parts.ts';

type Order<In> = {
  readonly workflow: Workflow<In, unknown>;
  readonly input: In;
  /** What it is about, for the audit: a volume, a VM, or the appliance. */
  readonly subject: string;
  /** Throws when the operation may not begin; asked in the transaction that makes it. */
  readonly mayBegin?: () => Promise<void>;
};

/** Makes an operation durable, with its audit row, and answers with it as it was made: `pending`. */
export async function startOperation<In>(
  parts: UsecaseParts,
  { workflow, input, subject, mayBegin }: Order<In>,
  { actor, requestId }: CallContext,
): Promise<Operation> {
  const { engine, rows, ids } = parts;
  const id = requestId ?? ids.next();
  const kept: { operation?: Operation | null } = {};
  await engine.start(workflow, input, {
    id,
    along: async (tx) => {
      await mayBegin?.();
      await rows.audit.append(tx, { actor, act: workflow.name, subject, details: { operation_id: id, input } });
    },
    made: async () => {
      kept.operation = await rows.operations.get(id);
    },
  });
  if (kept.operation === undefined || kept.operation === null)
    throw new AppError('INTERNAL', `Operation ${id} was not kept.`);
  return requireSame(parts, kept.operation, workflow.input.parse(input));
}

/** After a crash the run of a key is there without its answer: it must have been made by the same request. */
function requireSame({ ids }: UsecaseParts, operation: Operation, input: unknown): Operation {
  if (ids.digest(operation.request) === ids.digest(input)) return operation;
  throw new AppError('IDEMPOTENCY_KEY_REUSED', `Operation ${operation.id} was made by another request.`);
}
