import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Cloud, CloudVolume } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';

export const cloudJobHandle = z.object({ cloud_job_id: z.string() });

export type Settled =
  | { readonly pending: true }
  | { readonly pending: false; readonly volume: CloudVolume; readonly failure: string | null };

/**
 * What the cloud says of a volume once no job works on it any more: neither the one we know of, nor one that it
 * accepted and whose id was lost with its reply.
 */
export async function settledVolume(
  cloud: Cloud,
  { volumeId, begun }: { readonly volumeId: string; readonly begun: z.infer<typeof cloudJobHandle> | undefined },
  options: Signalled,
): Promise<Settled> {
  const job = begun === undefined ? null : await cloud.job(begun.cloud_job_id, options);
  if (job?.state === 'pending') return { pending: true };
  const failure = job?.state === 'failed' ? `${String(job.code)} ${job.text}` : null;
  const volume = await cloud.volume(volumeId, options);
  if (volume === null) {
    const told = failure === null ? '' : ` ${failure}`;
    throw new AppError('VOLUME_VANISHED', `CloudStack no longer lists volume ${volumeId}.${told}`, {
      volume_id: volumeId,
    });
  }
  return volume.pendingJobId === null ? { pending: false, volume, failure } : { pending: true };
}
