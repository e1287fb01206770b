import type { Attaching } from './attach-volume.ts';
import { detachInCloud } from './detach-in-cloud.ts';
import { refuseHeld, refuseWhileInUse } from './device-use.ts';
import type { Found } from './look-around.ts';

/**
 * Rule D5: a volume of ours that sits on our appliance and that nothing proves. Which device it is nobody knows, so
 * whatever could be it must be unused: every device without a serial that no other volume claims.
 */
export const releaseForReattach = ({ parts, context, request }: Attaching, found: Found): Promise<null> =>
  detachInCloud(parts, context, {
    volumeId: request.volume_id,
    vmId: request.vm_id,
    mayDetach: async (options) => {
      await refuseWhileInUse(parts, request.volume_id, options);
      const { devices } = await parts.host.snapshot(options);
      const claims = await parts.rows.mappings.openOn(parts.host.hostId);
      const claimed = new Set(claims.map(({ device }) => device.path));
      refuseHeld(
        devices.filter(
          ({ serial, path, sizeBytes }) => serial === '' && !claimed.has(path) && sizeBytes >= found.size_bytes,
        ),
      );
    },
  });
