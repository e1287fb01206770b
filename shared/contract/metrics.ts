import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { instant, noBody, nothing } from './fields.ts';
import { operationStatus, operationType } from './operations.ts';

const count = z.int().min(0);

export const metrics = z.object({
  timestamp: instant,
  uptime_seconds: z.number(),
  operations: z.array(z.object({ type: operationType, status: operationStatus, count })),
  migrations: z.array(z.object({ status: z.string(), count })),
  volumes: z.array(z.object({ status: z.string(), count })),
  mappings_open: count,
  exports_open: count,
  /** Block devices of the appliance that could be volumes. */
  devices_seen: count,
  /** Attached disks that unfinished migrations hold or may still take. */
  slots_in_use: count,
  slots_total: count,
  events_newest_seq: count,
  resident_bytes: count,
  cpu_seconds: z.number(),
});
export type Metrics = z.infer<typeof metrics>;

export const getMetrics = endpoint({
  id: 'metrics.get',
  tag: 'Volume Daemon',
  method: 'GET',
  path: '/api/v1/metrics',
  summary: 'Counts of what there is; with Accept: text/plain in the text format of Prometheus',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: metrics,
  errors: [],
});
