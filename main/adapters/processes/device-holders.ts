import { AppError } from '../../../shared/errors.ts';
import type { BlockDevice } from '../../domain/device.ts';

/** Rule D6: nothing on the appliance may use the disk while it is exported. Throws DEVICE_HELD naming what does. */
export function requireNotHeld({ path, holders }: BlockDevice): void {
  if (holders.length === 0) return;
  throw new AppError('DEVICE_HELD', `${path} is held by ${holders.join(', ')}.`, { device_path: path, holders });
}
