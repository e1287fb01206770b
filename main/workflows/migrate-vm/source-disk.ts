import { z } from 'zod';

/** A disk of the source as the journal keeps it: the same fields as domain SourceDisk. */
export const sourceDisk = z.object({
  key: z.int(),
  label: z.string(),
  unit: z.string(),
  capacityBytes: z.int().positive(),
  image: z.object({
    path: z.string(),
    format: z.enum(['raw', 'qcow2', 'vmdk', 'ova']),
    member: z.string().optional(),
  }),
});
