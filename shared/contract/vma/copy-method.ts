import { z } from 'zod';

export const moverName = z.enum(['file', 'folder', 'vddk', 'lab', 'migratekit']);

export const copyMethod = z.object({
  mover: moverName,
  because: z.string(),
  rejected: z.array(z.object({ mover: moverName, because: z.string() })),
  /** Whether a snapshot is read; else a VM that stays off. */
  snapshot: z.boolean(),
});
