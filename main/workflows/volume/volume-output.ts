import { z } from 'zod';

export const volumeOutput = z.object({ volume_id: z.uuid(), name: z.string(), size_bytes: z.int() });
