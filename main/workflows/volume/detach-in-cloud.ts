import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { RunContext } from '../../engine/workflow.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { cloudJobHandle, settledVolume } from './cloud-job.ts';
import type { VolumeParts } from './parts.ts';

type Detach = {
  readonly volumeId: string;
  readonly vmId: string;
  /** Throws while anything uses the volume; asked before every request to CloudStack. */
  readonly mayDetach: (options: Signalled) => Promise<void>;
};

/** CloudStack's side of a detach. A failed job leaves the volume attached: a resume asks again. */
export const detachInCloud = (parts: VolumeParts, context: RunContext, detach: Detach): Promise<null> =>
  context.step('detach', {
    input: { volume_id: detach.volumeId, vm_id: detach.vmId },
    output: z.null(),
    handle: cloudJobHandle,
    observe: async (begun, options) => {
      const settled = await settledVolume(parts.cloud, { volumeId: detach.volumeId, begun }, options);
      if (settled.pending) return { state: 'pending' };
      const { volume, failure } = settled;
      if (volume.vmId === null) return { state: 'done', output: null };
      if (volume.vmId !== detach.vmId)
        throw new AppError('VOLUME_IN_USE', `Volume ${volume.id} is attached to VM ${volume.vmId}.`);
      if (failure !== null)
        return { state: 'failed', error: new AppError('DETACH_FAILED', failure, { volume_id: volume.id }) };
      return { state: 'absent' };
    },
    act: async (options) => {
      await detach.mayDetach(options);
      const accepted = await parts.cloud.detachVolume(detach.volumeId, options);
      return { cloud_job_id: accepted.jobId };
    },
  });
