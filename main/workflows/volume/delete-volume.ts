import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Workflow } from '../../engine/workflow.ts';
import type { VolumeParts } from './parts.ts';

const input = z.object({ volume_id: z.uuid(), job_id: z.string().nullable() });
const output = z.object({ volume_id: z.uuid(), message: z.string() });

export type DeleteVolume = Workflow<z.infer<typeof input>, z.infer<typeof output>>;

/** Deletes a volume of ours that never received data (rule J4 keeps the others). */
export function deleteVolumeWorkflow(parts: VolumeParts): DeleteVolume {
  return {
    name: 'delete-volume',
    version: 1,
    input,
    output,
    cancellable: false,
    project: parts.project('delete'),
    run: (context, request) =>
      context.step('delete', {
        input: request,
        output,
        handle: z.null(),
        observe: async (_begun, options) => {
          const volume = await parts.cloud.volume(request.volume_id, options);
          if (volume === null) {
            return { state: 'done', output: { volume_id: request.volume_id, message: 'Volume deleted successfully' } };
          }
          if (volume.vmId !== null)
            throw new AppError('VOLUME_IN_USE', `Volume ${volume.id} is attached to VM ${volume.vmId}.`);
          const ours = await parts.rows.volumes.get(request.volume_id);
          if (ours === null || ours.received_data)
            throw new AppError('CONFIRM_REQUIRED', `Volume ${volume.name} holds received data.`);
          return { state: 'absent' };
        },
        act: async (options) => {
          await parts.cloud.deleteVolume(request.volume_id, options);
          return null;
        },
        record: (tx) => parts.rows.volumes.setStatus(tx, request.volume_id, 'deleted'),
      }),
  };
}
