import { z } from 'zod';
import { endpoint } from '../endpoint.ts';
import { id, instant, noBody, nothing } from '../fields.ts';
import { getLiveness } from '../health.ts';
import { moverName } from './copy-method.ts';

export const getVmaLiveness = endpoint({
  ...getLiveness,
  tag: 'VMA',
  summary: 'Is the VMA alive; open to anybody on this machine',
});

export const getVmaHealth = endpoint({
  id: 'vma.health',
  tag: 'VMA',
  method: 'GET',
  path: '/api/v1/health',
  summary: 'Version, protocol, vCenters and movers of this VMA',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({
    /** `unhealthy`: a vCenter is lost, or nothing can carry bytes. */
    status: z.enum(['healthy', 'unhealthy']),
    role: z.literal('vma'),
    instance_id: id,
    version: z.string(),
    protocol: z.object({ current: z.int(), oldest: z.int() }),
    /** The VMA's clock. */
    time: instant,
    sites: z.array(z.object({ id, name: z.string(), state: z.enum(['connecting', 'live', 'lost']) })),
    movers: z.array(z.object({ name: moverName, available: z.boolean(), because: z.string() })),
  }),
  errors: ['PROTOCOL_MISMATCH'],
});
