import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { bytes, id, instant, limit, noBody, nothing } from './fields.ts';

const exportClient = z.object({ pid: z.int(), peer_port: z.int(), bytes_written: bytes });

export const nbdExport = z.object({
  export_name: z.string(),
  volume_id: id,
  job_id: id.nullable(),
  vm_name: z.string().nullable(),
  device_path: z.string(),
  dev: z.string(),
  port: z.int(),
  status: z.enum(['active', 'closed']),
  opened_at: instant,
  closed_at: instant.nullable(),
  /** Read from /proc at the moment of asking. */
  clients: z.array(exportClient),
});
export type NbdExport = z.infer<typeof nbdExport>;

/** What an earlier system recorded: a path that nobody proved. Readable, never served. */
export const legacyExport = z.object({
  export_name: z.string(),
  vm_id: z.string().nullable(),
  vm_name: z.string().nullable(),
  disk_unit_number: z.int().nullable(),
  device_path: z.string(),
  created_at: z.string(),
});
export type LegacyExport = z.infer<typeof legacyExport>;

export const listExports = endpoint({
  id: 'exports.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/exports',
  summary: 'NBD exports, the open ones with their live connections',
  status: 200,
  params: nothing,
  query: z.strictObject({ limit }),
  body: noBody,
  reply: z.object({
    server_pid: z.int().nullable(),
    port: z.int(),
    exports: z.array(nbdExport),
    legacy: z.array(legacyExport),
  }),
  errors: ['INVALID_REQUEST'],
});

const withVolume = z.strictObject({ volume_id: id });

/** One thing that is not as it should be, and the request that would put it right. */
export const finding = z.object({
  code: z.string(),
  text: z.string(),
  volume_id: id.nullable(),
  device_path: z.string().nullable(),
  proposed: z
    .object({
      method: z.enum(['POST', 'DELETE']),
      path: z.string(),
      body: z.record(z.string(), z.unknown()).nullable(),
    })
    .nullable(),
});
export type Finding = z.infer<typeof finding>;

export const validateExports = endpoint({
  id: 'exports.validate',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/exports/validate',
  summary: 'Compare records, configuration, listener and devices of the exports; changes nothing',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({ valid: z.boolean(), findings: z.array(finding) }),
  errors: ['HOST_UNREADABLE'],
});

export const listOrphanExports = endpoint({
  id: 'exports.orphans',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/exports/orphans',
  summary: 'Exports that no unfinished migration uses',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({ exports: z.array(nbdExport) }),
  errors: [],
});

export const closeExport = endpoint({
  id: 'exports.close',
  tag: 'OMA',
  method: 'DELETE',
  path: '/api/v1/exports/:volume_id',
  summary: 'Close the export of a volume that no unfinished migration uses; its writers are cut off first (rule N2)',
  status: 200,
  params: withVolume,
  query: nothing,
  body: noBody,
  reply: nbdExport,
  errors: ['NOT_FOUND', 'VOLUME_IN_USE', 'EXPORT_NOT_CLOSED'],
});
