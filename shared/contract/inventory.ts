import { z } from 'zod';
import { endpoint } from './endpoint.ts';
import { id, noBody, nothing } from './fields.ts';

/** What of CloudStack a volume is made from; as the API key sees it now. */
export const getInventory = endpoint({
  id: 'inventory.get',
  tag: 'OMA',
  method: 'GET',
  path: '/api/v1/inventory',
  summary: 'Zones and disk offerings of CloudStack, and the ones this site uses',
  status: 200,
  params: nothing,
  query: nothing,
  body: noBody,
  reply: z.object({
    zones: z.array(z.object({ id, name: z.string() })),
    disk_offerings: z.array(z.object({ id, name: z.string(), custom_size: z.boolean(), size_gib: z.int().nullable() })),
    site: z.object({ zone_id: id, disk_offering_id: id, oma_vm_id: id }),
  }),
  errors: ['CLOUD_UNREACHABLE', 'CLOUD_AUTH', 'SITE_MISSING'],
});
