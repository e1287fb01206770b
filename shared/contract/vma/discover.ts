import { z } from 'zod';
import { endpoint } from '../endpoint.ts';
import { nothing } from '../fields.ts';
import { vm, vsphereDetails } from '../vms.ts';

export const vmDocument = vm.extend({ vsphere: vsphereDetails.nullable() });
export type VmDocument = z.infer<typeof vmDocument>;

export const discover = endpoint({
  id: 'vma.discover',
  tag: 'VMA',
  method: 'POST',
  path: '/api/v1/discover',
  summary: 'Every VM that the vCenters of this VMA list, with all that vCenter tells of it',
  status: 200,
  params: nothing,
  query: nothing,
  body: nothing,
  reply: z.object({ vms: z.array(vmDocument) }),
  errors: ['PROTOCOL_MISMATCH', 'SOURCE_UNREADABLE'],
});
