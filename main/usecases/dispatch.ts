import { z } from 'zod';
import type { RawInput } from '../../shared/client/transport.ts';
import type { EndpointName } from '../../shared/contract/all.ts';
import type { CallContext, HandlerInput, Handlers } from '../../shared/contract/calls.ts';
import { type NameIn, rowOf, type Table } from '../../shared/contract/endpoint.ts';
import { AppError } from '../../shared/errors.ts';
import type { AnswerOnce } from './answer-once.ts';

type DispatchContext = Omit<CallContext, 'requestId'> & { readonly idempotencyKey?: string | undefined };
export type Dispatch<Name extends string = EndpointName> = (
  name: Name,
  input: RawInput,
  context: DispatchContext,
) => Promise<unknown>;

type Parts<T extends Table> = {
  readonly table: T;
  readonly handlers: Handlers<T>;
  readonly answerOnce: AnswerOnce;
};

/** The one door: parses what comes in against the table, calls the usecase, parses what goes out. */
export function createDispatch<T extends Table>({ table, handlers, answerOnce }: Parts<T>): Dispatch<NameIn<T>> {
  return async (name, input, { idempotencyKey: key, ...context }) => {
    const { method, params, query, body, reply } = rowOf(table, name);
    const parsed = {
      params: parse('params', params, input.params ?? {}),
      query: parse('query', query, input.query ?? {}),
      body: parse('body', body, input.body),
    };
    const handler = handlers[name];
    const answer = async (more: Pick<CallContext, 'requestId'>): Promise<unknown> =>
      reply.parse(await handler(parsed as HandlerInput<typeof name, T>, { ...context, ...more }));
    if (key === undefined || method === 'GET') return await answer({});
    requireKey(key);
    return await answerOnce({ key, endpoint: name, input: parsed }, (requestId) => answer({ requestId }));
  };
}

function requireKey(key: string): void {
  if (/^[!-~]{1,200}$/.test(key)) return;
  throw new AppError('INVALID_REQUEST', 'Idempotency-Key: 1 to 200 printable characters of ASCII, no blanks');
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
