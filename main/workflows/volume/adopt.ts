import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { Attaching } from './attach-volume.ts';
import type { Found } from './look-around.ts';

const place = z.object({ mapping_id: z.uuid(), device_path: z.string() });
export type ProvedPlace = z.infer<typeof place>;

/** Rule D5: the volume is attached already, so its device is looked for where it is. Null when nothing proves it. */
export const adoptWhereItIs = async (
  { parts, context, request }: Attaching,
  found: Found,
): Promise<ProvedPlace | null> => {
  const wanted = { volumeId: request.volume_id, sizeBytes: found.size_bytes };
  const mapping = await context.step('adopt', {
    input: request.volume_id,
    ...actOnce(place.nullable(), async (options) => {
      const proved = await parts.truth.adopt(wanted, options);
      return proved === null ? null : { mapping_id: proved.id, device_path: proved.device.path };
    }),
  });
  if (mapping !== null || found.ours) return mapping;
  throw new AppError(
    'DEVICE_NOT_FOUND',
    `Volume ${request.volume_id} is attached to the appliance, no device proves to be it, and it bears no mark of ours: it is not detached.`,
    { volume_id: request.volume_id },
  );
};
