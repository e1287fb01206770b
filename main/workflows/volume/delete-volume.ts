import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Workflow } from '../../engine/workflow.ts';
import { failsAlone } from './fails-alone.ts';
import { refuseForeign } from './ownership.ts';
import type { VolumeParts } from './parts.ts';

const input = z.object({
  volume_id: z.uuid(),
  job_id: z.string().nullable(),
  /** The name of the volume, where what it holds may be destroyed. */
  confirm: z.string().nullable(),
});
const output = z.object({ volume_id: z.uuid(), message: z.string() });

export type DeleteVolume = Workflow<z.infer<typeof input>, z.infer<typeof output>>;

/** Deletes a detached volume of ours; received data only on confirmation, a live volume never (rule J4). */
export function deleteVolumeWorkflow(parts: VolumeParts): DeleteVolume {
  return {
    name: 'delete-volume',
    version: 2,
    input,
    output,
    cancellable: false,
    failsAlone,
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
          refuseForeign(volume, parts.installId);
          requireDeletable(await parts.rows.volumes.get(request.volume_id), request.confirm);
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

type Known = Awaited<ReturnType<VolumeParts['rows']['volumes']['get']>>;

export function requireDeletable(volume: Known, confirm: string | null): asserts volume is NonNullable<Known> {
  if (volume === null) throw new AppError('VOLUME_NOT_OURS', 'The records of this console do not know the volume.');
  const { volume_id: id, name } = volume;
  if (volume.role === 'live') throw new AppError('VOLUME_IN_USE', `Volume ${name} is the disk of a live VM.`);
  if (volume.received_data && confirm !== name)
    throw new AppError('CONFIRM_REQUIRED', `Volume ${name} holds received data.`, { volume_id: id, name });
}
