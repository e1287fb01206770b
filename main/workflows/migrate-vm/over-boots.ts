import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { CopyContext } from './copy-disk.ts';

/**
 * Runs work that trusts a device. A restart of the appliance in the middle ends every proof (rule D1), which is no
 * crossing of disks: the work is tried again, and begins with a new proof.
 */
export async function overBoots<T>({ parts }: CopyContext, options: Signalled, work: () => Promise<T>): Promise<T> {
  const { bootId } = await parts.host.snapshot(options);
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'DEVICE_CHANGED') throw error;
    const now = await parts.host.snapshot(options);
    if (now.bootId === bootId) throw error;
    throw new AppError('HOST_RESTARTED', `Boot ${bootId} became ${now.bootId}.`, error.details, { cause: error });
  }
}
