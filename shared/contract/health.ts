import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { id, instant, noBody, nothing } from './fields.ts';

const part = z.enum(['healthy', 'unhealthy', 'unknown']);

export const getLiveness = endpoint({
  id: 'liveness.get',
  tag: 'Volume Daemon',
  method: 'GET',
  path: '/health',
  summary: 'Is the daemon alive; open to anybody on this machine',
  status: 200,
  open: true,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({ status: z.literal('alive'), service: z.string(), version: z.string(), timestamp: instant }),
  errors: [],
});

export const getHealth = endpoint({
  id: 'health.get',
  tag: 'Volume Daemon',
  method: 'GET',
  path: '/api/v1/health',
  summary: 'What works right now: cloud, database, device watcher, NBD server',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({
    status: part,
    timestamp: instant,
    instance_id: id,
    version: z.string(),
    /** True for the demo environment: the window marks it permanently. */
    lab: z.boolean(),
    cloudstack_health: part,
    database_health: part,
    device_monitor: part,
    nbd_server: part,
    details: z.record(z.string(), z.string()),
  }),
  errors: [],
});
export type Health = z.infer<typeof getHealth.reply>;
