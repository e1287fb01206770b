import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { Attaching } from './attach-volume.ts';
import { ownerOf, refuseForeign } from './ownership.ts';

const device = z.object({
  name: z.string(),
  path: z.string(),
  dev: z.string(),
  sizeBytes: z.number(),
  diskseq: z.string().nullable(),
  serial: z.string(),
  holders: z.array(z.string()),
});
const found = z.object({
  /** The VM is the appliance, whose devices can be looked at. */
  on_appliance: z.boolean(),
  /** It was attached to that VM before anything was asked for. */
  attached: z.boolean(),
  /** It bore our mark already. */
  ours: z.boolean(),
  size_bytes: z.int(),
  before: z.object({ bootId: z.string(), devices: z.array(device) }),
});
export type Found = z.infer<typeof found>;

/** How things stand before the first act: what a later observation is compared with. */
export const lookAround = ({ parts, context, request }: Attaching, step: string): Promise<Found> =>
  context.step(step, {
    input: request.volume_id,
    ...actOnce(found, async (options) => {
      const { cloud, host, installId } = parts;
      const volume = await cloud.volume(request.volume_id, options);
      const known = await parts.rows.volumes.get(request.volume_id);
      if (volume === null)
        throw new AppError(
          known === null ? 'NOT_FOUND' : 'VOLUME_VANISHED',
          `CloudStack lists no volume ${request.volume_id}.`,
        );
      refuseForeign(volume, installId);
      if (volume.vmId !== null && volume.vmId !== request.vm_id) {
        throw new AppError('VOLUME_IN_USE', `Volume ${volume.name} is attached to VM ${volume.vmId}.`, {
          vm_id: volume.vmId,
        });
      }
      const seen = await host.snapshot(options);
      return {
        on_appliance: request.vm_id === parts.site().omaVmId,
        attached: volume.vmId === request.vm_id,
        ours: known !== null || ownerOf(volume, installId) === 'ours',
        size_bytes: volume.sizeBytes,
        before: { bootId: seen.bootId, devices: seen.devices.map((one) => ({ ...one, holders: [...one.holders] })) },
      };
    }),
  });
