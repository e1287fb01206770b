import { AppError } from '../../../shared/errors.ts';
import { isStill, serialOf } from '../../correlation/match.ts';
import type { BlockDevice } from '../../domain/device.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { VolumeParts } from './parts.ts';

/** Rule D6: nothing on the appliance may hold the device, and no export may serve it. */
export async function refuseWhileInUse(parts: VolumeParts, volumeId: string, { signal }: Signalled): Promise<void> {
  const mapping = await parts.truth.current(volumeId, { signal });
  const { devices } = await parts.host.snapshot({ signal });
  // The name of the last mapping may be another volume's by now; the serial tells the disk under any.
  refuseHeld(
    devices.filter(
      (found) => found.serial === serialOf(volumeId) || (mapping !== null && isStill(mapping.device, found)),
    ),
  );
  if ((await parts.rows.exports.openMapping(volumeId)) !== null) {
    throw new AppError('EXPORT_NOT_CLOSED', `The export of volume ${volumeId} is open.`);
  }
}

export function refuseHeld(devices: readonly BlockDevice[]): void {
  const held = devices.find(({ holders }) => holders.length > 0);
  if (held === undefined) return;
  throw new AppError('DEVICE_HELD', `${held.path} is held by ${held.holders.join(', ')}.`, { holders: held.holders });
}
