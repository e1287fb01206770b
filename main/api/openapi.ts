import { z } from 'zod';
import type { Endpoint, Table } from '../../shared/contract/endpoint.ts';
import { errorBody } from '../../shared/contract/fields.ts';
import { protocol, protocolHeader } from '../../shared/contract/vma/protocol.ts';
import { catalogue } from '../../shared/errors.ts';

type Json = Record<string, unknown>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return rest;
};

function parametersOf(schema: z.ZodType, place: 'path' | 'query'): Json[] {
  const object = schemaOf(schema, 'input');
  const required = (object['required'] as string[] | undefined) ?? [];
  return Object.entries((object['properties'] as Json | undefined) ?? {}).map(([name, property]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: property,
  }));
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request with the same key is answered once: sent again, it gets the same answer.',
  schema: { type: 'string', pattern: '^[!-~]{1,200}$' },
};

const spokenProtocol = (required: boolean): Json => ({
  name: protocolHeader,
  in: 'header',
  required,
  description: 'The protocol that the caller speaks; any other than these is refused with PROTOCOL_MISMATCH.',
  schema: { type: 'integer', minimum: protocol.oldest, maximum: protocol.current },
});

const failure = {
  description: 'error',
  content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } },
};

function operationOf(endpoint: Endpoint): Json {
  const statuses = new Set([
    ...endpoint.errors.map((code) => catalogue[code].status),
    500,
    ...(endpoint.open === true ? [] : [401, 403]),
  ]);
  const hasBody = !(endpoint.body instanceof z.ZodUndefined);
  return {
    operationId: endpoint.id,
    tags: [endpoint.tag],
    summary: endpoint.summary,
    ...(endpoint.open === true ? { security: [] } : {}),
    parameters: [
      ...parametersOf(endpoint.params, 'path'),
      ...parametersOf(endpoint.query, 'query'),
      ...(endpoint.method === 'GET' ? [] : [idempotencyKey]),
      ...(endpoint.errors.includes('PROTOCOL_MISMATCH') ? [spokenProtocol(endpoint.handshake === true)] : []),
    ],
    ...(hasBody
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(endpoint.body, 'input') } },
          },
        }
      : {}),
    responses: {
      [String(endpoint.status)]: {
        description: 'done',
        content: { 'application/json': { schema: schemaOf(endpoint.reply, 'output') } },
      },
      ...Object.fromEntries([...statuses].sort().map((status) => [String(status), failure])),
    },
  };
}

export type ApiDescription = {
  readonly table: Table;
  readonly title: string;
  readonly version: string;
  /** Where it listens unless told. */
  readonly usualPort: number;
};

/** OpenAPI 3.1, made from a table of endpoints: it cannot say anything else than what is served. */
export function openApi({ table, title, version, usualPort }: ApiDescription): Json {
  const paths: Record<string, Json> = {};
  for (const endpoint of Object.values(table)) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [endpoint.method.toLowerCase()]: operationOf(endpoint) };
  }
  return {
    openapi: '3.1.0',
    info: { title, version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [{ url: `http://127.0.0.1:${String(usualPort)}` }],
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: schemaOf(errorBody, 'output') },
    },
  };
}
