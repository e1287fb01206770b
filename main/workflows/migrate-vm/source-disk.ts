import { z } from 'zod';

/** Where the bytes of a disk are, as the journal keeps it: the same fields as domain SourceImage. */
export const imageOf = z.union([
  z.object({
    path: z.string(),
    format: z.enum(['raw', 'qcow2', 'vmdk', 'ova']),
    member: z.string().optional(),
  }),
  z.object({
    path: z.string(),
    format: z.literal('datastore'),
    siteId: z.string(),
    vmMoRef: z.string(),
    diskKey: z.int(),
    capacityBytes: z.int().positive(),
  }),
  z.object({
    path: z.string(),
    format: z.literal('snapshot'),
    siteId: z.string(),
    vmMoRef: z.string(),
    snapshotMoRef: z.string(),
    diskKey: z.int(),
    capacityBytes: z.int().positive(),
    reader: z.enum(['vddk', 'lab']),
  }),
  z.object({
    path: z.string(),
    format: z.literal('vma'),
    siteId: z.string(),
    vmId: z.string(),
    diskKey: z.int(),
    capacityBytes: z.int().positive(),
    snapshotMoRef: z.string().nullable(),
  }),
]);

/** A disk of the source as the journal keeps it: the same fields as domain SourceDisk. */
export const sourceDisk = z.object({
  key: z.int(),
  label: z.string(),
  unit: z.string(),
  capacityBytes: z.int().positive(),
  image: imageOf,
});
