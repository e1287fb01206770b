import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { bytes, id, instant, noBody, nothing } from './fields.ts';

export const hostDevice = z.object({
  path: z.string(),
  dev: z.string(),
  diskseq: z.string().nullable(),
  serial: z.string(),
  size_bytes: bytes,
  holders: z.array(z.string()),
  /** The volume it is proved to be at this moment; null for any other device. */
  volume_id: id.nullable(),
});

export const listHosts = endpoint({
  id: 'hosts.list',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/hosts',
  summary: 'The appliances, their owner and every block device they have now',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({
    hosts: z.array(
      z.object({
        host_id: z.string(),
        kind: z.enum(['local']),
        vm_id: id,
        boot_id: z.string(),
        owner_install_id: id,
        observed_at: instant,
        devices: z.array(hostDevice),
      }),
    ),
  }),
  errors: ['HOST_UNREADABLE', 'SITE_MISSING'],
});
