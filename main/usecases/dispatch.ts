import { z } from 'zod';
import type { RawInput } from '../../shared/client/transport.ts';
import { type EndpointName, endpoints } from '../../shared/contract/all.ts';
import type { CallContext, HandlerInput, Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';

export type Dispatch = (name: EndpointName, input: RawInput, context: CallContext) => Promise<unknown>;

/** The one door: parses what comes in against the table, calls the usecase, parses what goes out. */
export function createDispatch(handlers: Handlers): Dispatch {
  return async (name, input, context) => {
    const { params, query, body, reply } = endpoints[name];
    const parsed = {
      params: parse('params', params, input.params ?? {}),
      query: parse('query', query, input.query ?? {}),
      body: parse('body', body, input.body),
    };
    const handler = handlers[name] as (input: HandlerInput<EndpointName>, context: CallContext) => Promise<unknown>;
    return reply.parse(await handler(parsed as HandlerInput<EndpointName>, context));
  };
}

function parse(part: string, schema: z.ZodType, value: unknown): unknown {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => ({
    field: [part, ...issue.path].join('.'),
    problem: issue.message,
  }));
  const first = fields[0];
  throw new AppError(
    'INVALID_REQUEST',
    first === undefined ? z.prettifyError(result.error) : `${first.field}: ${first.problem}`,
    { fields },
  );
}
