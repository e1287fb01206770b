import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { errorBody, id, instant, limit, noBody, nothing, point } from './fields.ts';

export const operationType = z.enum(['create', 'attach', 'attach-root', 'detach', 'delete', 'cleanup', 'force-sync']);
export const operationStatus = z.enum(['pending', 'executing', 'completed', 'failed', 'cancelled']);

/** One asynchronous volume action. Waiting and held ones are `executing` with a `reason`. Defaults: older events lack the field. */
export const operation = z.object({
  id,
  type: operationType,
  status: operationStatus,
  reason: z.string().nullable(),
  /** CloudStack's UUID; null until it is known. */
  volume_id: id.nullable(),
  vm_id: id.nullable(),
  job_id: id.nullable(),
  /** The operation that this one is a part of, such as the detach within a clean-up. */
  part_of: id.nullable().default(null),
  request: z.record(z.string(), z.unknown()),
  response: z.record(z.string(), z.unknown()).nullable(),
  error: errorBody.nullable(),
  created_at: instant,
  updated_at: instant,
  completed_at: instant.nullable(),
});
export type Operation = z.infer<typeof operation>;

export const getOperation = endpoint({
  id: 'operations.get',
  tag: 'Volume Daemon',
  method: 'GET',
  path: '/api/v1/operations/:id',
  summary: 'One volume operation',
  status: 200,
  params: z.strictObject({ id }),
  query: nothing,
  body: noBody,
  reply: operation,
  errors: ['NOT_FOUND'],
});

export const listOperations = endpoint({
  id: 'operations.list',
  tag: 'Volume Daemon',
  method: 'GET',
  path: '/api/v1/operations',
  summary: 'Volume operations, newest first',
  status: 200,
  params: nothing,
  query: z.strictObject({
    type: operationType.optional(),
    status: operationStatus.optional(),
    volume_id: id.optional(),
    vm_id: id.optional(),
    /** Made at or after. */
    since: point.optional(),
    /** Made before. */
    until: point.optional(),
    limit,
  }),
  body: noBody,
  reply: z.object({ operations: z.array(operation) }),
  errors: ['INVALID_REQUEST'],
});

const steer = {
  tag: 'OMA',
  method: 'POST',
  status: 201,
  params: z.strictObject({ id }),
  query: nothing,
  body: noBody,
  reply: operation,
  errors: ['NOT_FOUND', 'INVALID_REQUEST'],
} as const;

export const resumeOperation = endpoint({
  ...steer,
  id: 'operations.resume',
  path: '/api/v1/operations/:id/resume',
  summary: 'Go on with a held operation from where its journal stands',
});

export const abandonOperation = endpoint({
  ...steer,
  id: 'operations.abandon',
  path: '/api/v1/operations/:id/abandon',
  summary: 'Give up a held operation; what CloudStack did stays as it is, force-sync tells what that is',
});
