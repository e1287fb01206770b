import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { errorBody, id, noBody } from './fields.ts';

export const preflightCheck = z.object({
  id: z.string(),
  title: z.string(),
  outcome: z.enum(['passed', 'failed', 'unknown']),
  /** What was found, in words. */
  found: z.string(),
  error: errorBody.nullable(),
});
export type PreflightCheck = z.infer<typeof preflightCheck>;

export const getPreflight = endpoint({
  id: 'preflight.get',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/preflight',
  summary: 'Whether the migration of a VM could begin now, check by check; changes nothing',
  status: 200,
  params: z.strictObject({}),
  query: z.strictObject({ vm_id: id, site_id: id.optional() }),
  body: noBody,
  reply: z.object({ vm_id: id, ready: z.boolean(), checks: z.array(preflightCheck) }),
  errors: ['NOT_FOUND', 'SOURCE_UNREADABLE'],
});
