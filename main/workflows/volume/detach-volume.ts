import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { isStill, serialOf } from '../../correlation/match.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import { cloudJobHandle, settledVolume } from './cloud-job.ts';
import type { VolumeParts } from './parts.ts';

const input = z.object({ volume_id: z.uuid(), vm_id: z.uuid(), job_id: z.string().nullable() });
const output = z.object({ volume_id: z.uuid(), device_path: z.string().nullable(), message: z.string() });

type Request = z.infer<typeof input>;
export type DetachVolume = Workflow<Request, z.infer<typeof output>>;

/** Releases one volume from the appliance; its export must be closed already. */
export function detachVolumeWorkflow(parts: VolumeParts): DetachVolume {
  return {
    name: 'detach-volume',
    version: 1,
    input,
    output,
    cancellable: false,
    project: parts.project('detach'),
    run: async (context, request) => {
      await detachInCloud(parts, context, request);
      return await endMapping(parts, context, request);
    },
  };
}

const detachInCloud = (parts: VolumeParts, context: RunContext, request: Request): Promise<null> =>
  context.step('detach', {
    input: request,
    output: z.null(),
    handle: cloudJobHandle,
    observe: async (begun, options) => {
      const settled = await settledVolume(parts.cloud, { volumeId: request.volume_id, begun }, options);
      if (settled.pending) return { state: 'pending' };
      const { volume, failure } = settled;
      if (volume.vmId === null) return { state: 'done', output: null };
      if (volume.vmId !== request.vm_id)
        throw new AppError('VOLUME_IN_USE', `Volume ${volume.id} is attached to VM ${volume.vmId}.`);
      if (failure !== null)
        return { state: 'failed', error: new AppError('DETACH_FAILED', failure, { volume_id: volume.id }) };
      return { state: 'absent' };
    },
    act: async (options) => {
      await refuseWhileInUse(parts, request, options.signal);
      const accepted = await parts.cloud.detachVolume(request.volume_id, options);
      return { cloud_job_id: accepted.jobId };
    },
  });

/** Rule D6: nothing on the appliance may hold the device, and no export may serve it. */
async function refuseWhileInUse(parts: VolumeParts, request: Request, signal: AbortSignal): Promise<void> {
  const mapping = await parts.truth.current(request.volume_id, { signal });
  const { devices } = await parts.host.snapshot({ signal });
  // After a new boot the name of the old mapping may be another volume's; the serial is what is left to tell it by.
  const device = devices.find((found) =>
    mapping === null ? found.serial === serialOf(request.volume_id) : isStill(mapping.device, found),
  );
  if (device !== undefined && device.holders.length > 0) {
    const { path, holders } = device;
    throw new AppError('DEVICE_HELD', `${path} is held by ${holders.join(', ')}.`, { holders });
  }
  if ((await parts.rows.exports.openMapping(request.volume_id)) !== null) {
    throw new AppError('EXPORT_NOT_CLOSED', `The export of volume ${request.volume_id} is open.`);
  }
}

const endMapping = (parts: VolumeParts, context: RunContext, request: Request): Promise<z.infer<typeof output>> =>
  context.step('end-mapping', {
    input: request.volume_id,
    output,
    handle: z.null(),
    observe: async (_begun, { signal }) => {
      const mapping = await parts.truth.current(request.volume_id, { signal });
      if (mapping !== null) await parts.truth.gone(mapping, { signal });
      return {
        state: 'done',
        output: {
          volume_id: request.volume_id,
          device_path: mapping?.device.path ?? null,
          message: 'Volume detached successfully',
        },
      };
    },
    act: () => Promise.resolve(null),
    record: async (tx) => {
      const mapping = await parts.rows.mappings.openOf(request.volume_id);
      if (mapping !== null) await parts.rows.mappings.end(tx, mapping.id, 'detached');
      await parts.rows.volumes.setStatus(tx, request.volume_id, 'detached');
    },
  });
