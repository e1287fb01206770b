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
  reply: z.object({ server_pid: z.int().nullable(), port: z.int(), exports: z.array(nbdExport) }),
  errors: ['INVALID_REQUEST'],
});
