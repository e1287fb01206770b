import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Cloud, CloudVolume } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';

export const cloudJobHandle = z.object({ cloud_job_id: z.string() });

/** What the cloud says of a volume once the job that was to change it is no longer pending. */
export async function settledVolume(
  cloud: Cloud,
  volumeId: string,
  begun: z.infer<typeof cloudJobHandle> | undefined,
  options: Signalled,
): Promise<
  | { readonly pending: true }
  | { readonly pending: false; readonly volume: CloudVolume; readonly failure: string | null }
> {
  let failure: string | null = null;
  if (begun !== undefined) {
    const job = await cloud.job(begun.cloud_job_id, options);
    if (job.state === 'pending') return { pending: true };
    if (job.state === 'failed') failure = `${String(job.code)} ${job.text}`;
  }
  const volume = await cloud.volume(volumeId, options);
  if (volume === null) {
    throw new AppError('VOLUME_VANISHED', `CloudStack no longer lists volume ${volumeId}. ${failure ?? ''}`.trim(), {
      volume_id: volumeId,
    });
  }
  return { pending: false, volume, failure };
}
