import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Attaching } from './attach-volume.ts';
import { cloudJobHandle, settledVolume } from './cloud-job.ts';

/** CloudStack's side of an attach. What the list shows after the job is what counts, not the job's words (ACS 14214). */
export const attachInCloud = ({ parts, context, request }: Attaching, step: string): Promise<string> =>
  context.step(step, {
    input: { volume_id: request.volume_id, vm_id: request.vm_id },
    output: z.string(),
    handle: cloudJobHandle,
    observe: async (begun, options) => {
      const settled = await settledVolume(parts.cloud, { volumeId: request.volume_id, begun }, options);
      if (settled.pending) return { state: 'pending' };
      const { volume, failure } = settled;
      if (volume.vmId === request.vm_id) return { state: 'done', output: volume.vmId };
      if (volume.vmId !== null)
        throw new AppError('VOLUME_IN_USE', `Volume ${volume.id} is attached to VM ${volume.vmId}.`, {
          vm_id: volume.vmId,
        });
      if (failure !== null) throw new AppError('CLOUD_JOB_FAILED', failure, { volume_id: volume.id });
      return { state: 'absent' };
    },
    act: async (options) => {
      const accepted = await parts.cloud.attachVolume(request.volume_id, request.vm_id, options);
      return { cloud_job_id: accepted.jobId };
    },
  });
