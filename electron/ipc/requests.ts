import { z } from 'zod';
import { type EndpointName, endpoints } from '../../shared/contract/all.ts';
import { AppError } from '../../shared/errors.ts';

const callId = z.int().positive();
const endpointName = z.custom<EndpointName>((value) => typeof value === 'string' && Object.hasOwn(endpoints, value));

const call = z.strictObject({
  id: callId,
  name: endpointName,
  input: z.strictObject({
    params: z.unknown().optional(),
    query: z.unknown().optional(),
    body: z.unknown().optional(),
  }),
});
const feed = z.strictObject({ id: callId, after: z.int().min(0) });
const cancel = z.strictObject({ id: callId });
const windowMessage = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('interactive') }),
  z.strictObject({ kind: z.literal('asking') }),
  z.strictObject({ kind: z.literal('quit') }),
  z.strictObject({ kind: z.literal('keep-running') }),
]);

/** The page is not trusted more than a browser: names, ids and every field are parsed before anything is done. */
export function parseCall(value: unknown): z.output<typeof call> {
  const request = parse(call, value);
  const row = endpoints[request.name];
  parse(row.params, request.input.params ?? {});
  parse(row.query, request.input.query ?? {});
  parse(row.body, request.input.body);
  return request;
}

export const parseFeed = (value: unknown): z.output<typeof feed> => parse(feed, value);
export const parseCancel = (value: unknown): z.output<typeof cancel> => parse(cancel, value);
export const parseWindowMessage = (value: unknown): z.output<typeof windowMessage> => parse(windowMessage, value);

function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => ({ field: issue.path.join('.'), problem: issue.message }));
  throw new AppError('INVALID_REQUEST', fields.map(({ field, problem }) => `${field}: ${problem}`).join('; '), {
    fields,
  });
}
