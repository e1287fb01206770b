import type { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { RunContext } from '../../engine/workflow.ts';
import type { CloudVolume } from '../../ports/cloud.ts';
import type { Tx } from '../../ports/store.ts';
import { cloudJobHandle, settledVolume } from './cloud-job.ts';
import type { VolumeParts } from './parts.ts';
import { volumeOutput } from './volume-output.ts';

/** Rule D7: the mark in CloudStack that says which console a volume or a VM belongs to. */
export const ownerTag = 'ossea-owner';

export type Owner = 'ours' | 'nobody' | { readonly installId: string };

export function ownerOf({ tags }: Pick<CloudVolume, 'tags'>, installId: string): Owner {
  const tagged = tags[ownerTag];
  if (tagged === undefined) return 'nobody';
  return tagged === installId ? 'ours' : { installId: tagged };
}

/** What another console marked is never touched. */
export function refuseForeign(volume: CloudVolume, installId: string): void {
  const owner = ownerOf(volume, installId);
  if (typeof owner === 'string') return;
  throw new AppError('VOLUME_NOT_OURS', `Volume ${volume.name} belongs to the console ${owner.installId}.`, {
    volume_id: volume.id,
    owner_install_id: owner.installId,
  });
}

type Claim = {
  readonly volumeId: string;
  /** What the records say of a volume they do not know yet. */
  readonly record: (tx: Tx, volume: Claimed) => Promise<void>;
};
type Claimed = z.infer<typeof volumeOutput>;

/** Marks a volume as ours in CloudStack, and has it in the records from then on. */
export const claimVolume = (
  { cloud, installId }: VolumeParts,
  context: RunContext,
  { volumeId, record }: Claim,
): Promise<Claimed> =>
  context.step('claim', {
    input: volumeId,
    output: volumeOutput,
    handle: cloudJobHandle,
    observe: async (begun, options) => {
      const settled = await settledVolume(cloud, { volumeId, begun }, options);
      if (settled.pending) return { state: 'pending' };
      const { volume, failure } = settled;
      refuseForeign(volume, installId);
      if (ownerOf(volume, installId) === 'ours') {
        return { state: 'done', output: { volume_id: volume.id, name: volume.name, size_bytes: volume.sizeBytes } };
      }
      if (failure !== null) throw new AppError('CLOUD_JOB_FAILED', failure, { volume_id: volumeId });
      return { state: 'absent' };
    },
    act: async (options) => {
      const { jobId } = await cloud.tag(volumeId, { [ownerTag]: installId }, options);
      return { cloud_job_id: jobId };
    },
    record,
  });
