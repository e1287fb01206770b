import type { Operation } from '../../../shared/contract/operations.ts';
import type { RunRow } from '../../ports/journal.ts';
import type { OperationRows } from '../../ports/rows.ts';
import type { Tx } from '../../ports/store.ts';

type Fields = Readonly<Record<string, unknown>>;

const asFields = (value: unknown): Fields | null =>
  typeof value === 'object' && value !== null ? (value as Fields) : null;
const asText = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** Waiting and held are `executing` with a reason: the operation may still succeed (rule J2). */
function statusOf(run: RunRow): Operation['status'] {
  switch (run.status) {
    case 'pending':
    case 'completed':
    case 'failed':
    case 'cancelled':
      return run.status;
    case 'running':
    case 'waiting':
    case 'held':
      return 'executing';
    case 'unverified':
      throw new Error('an operation is never unverified');
  }
}

/** An operation is a run of the engine; this is the row that the user sees of it. */
export const projectOperation =
  (operations: OperationRows) =>
  (type: Operation['type']) =>
  async (tx: Tx, run: RunRow): Promise<void> => {
    const request = asFields(run.input) ?? {};
    const response = asFields(run.output);
    await operations.put(tx, {
      id: run.id,
      type,
      status: statusOf(run),
      reason: run.reason,
      volume_id: asText(response?.['volume_id']) ?? asText(request['volume_id']),
      vm_id: asText(request['vm_id']),
      job_id: asText(request['job_id']),
      part_of: run.parentId !== null && (await operations.get(run.parentId)) !== null ? run.parentId : null,
      request,
      response,
      error: run.error,
      created_at: run.createdAt,
      updated_at: run.updatedAt,
      completed_at: run.completedAt,
    });
  };
