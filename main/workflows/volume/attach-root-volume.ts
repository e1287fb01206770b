import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import { cloudJobHandle, settledVolume } from './cloud-job.ts';
import { failsAlone } from './fails-alone.ts';
import { claimVolume, refuseForeign } from './ownership.ts';
import type { VolumeParts } from './parts.ts';

const input = z.object({ volume_id: z.uuid(), vm_id: z.uuid() });
const output = z.object({
  volume_id: z.uuid(),
  device_path: z.null(),
  message: z.literal('Volume attached successfully'),
});

type Request = z.infer<typeof input>;
export type AttachRootVolume = Workflow<Request, z.infer<typeof output>>;
type Rooting = { readonly parts: VolumeParts; readonly context: RunContext; readonly request: Request };

/** Makes a volume the root disk of a stopped VM that has none. Without device id 0 the VM could not start (ACS 8634). */
export function attachRootVolumeWorkflow(parts: VolumeParts): AttachRootVolume {
  return {
    name: 'attach-root-volume',
    version: 1,
    input,
    output,
    cancellable: false,
    failsAlone,
    project: parts.project('attach-root'),
    run: async (context, request) => {
      const leave = await parts.turnsOf(request.vm_id).enter(1, context.signal);
      try {
        const rooting = { parts, context, request };
        await requireRoom(rooting);
        await claimVolume(parts, context, { volumeId: request.volume_id, record: () => Promise.resolve() });
        // Before the VM can start: from then on the volume is no replica that a migration may overwrite (rule J7).
        await context.write((tx) => parts.rows.volumes.setRole(tx, request.volume_id, 'test'));
        return await attachAsRoot(rooting);
      } finally {
        leave();
      }
    },
  };
}

const requireRoom = ({ parts, context, request }: Rooting): Promise<null> =>
  context.step('look', {
    input: request,
    ...actOnce(z.null(), async (options) => {
      const { cloud } = parts;
      const [volume, vm] = [await cloud.volume(request.volume_id, options), await cloud.vm(request.vm_id, options)];
      if (volume === null) throw new AppError('NOT_FOUND', `CloudStack lists no volume ${request.volume_id}.`);
      if (vm === null) throw new AppError('NOT_FOUND', `CloudStack lists no VM ${request.vm_id}.`);
      refuseForeign(volume, parts.installId);
      if ((await parts.rows.volumes.get(volume.id)) === null)
        throw new AppError('VOLUME_NOT_OURS', `The records of this console do not know volume ${volume.name}.`);
      if (volume.vmId !== null && volume.vmId !== vm.id)
        throw new AppError('VOLUME_IN_USE', `Volume ${volume.name} is attached to VM ${volume.vmId}.`);
      if (vm.state !== 'Stopped') throw new AppError('VM_STATE', `VM ${vm.name} is ${vm.state}, not Stopped.`);
      const root = (await cloud.volumesOfVm(vm.id, options)).find(
        ({ type, id }) => type === 'ROOT' && id !== volume.id,
      );
      if (root !== undefined) throw new AppError('VM_STATE', `VM ${vm.name} has a root disk already: ${root.name}.`);
      return null;
    }),
  });

const attachAsRoot = ({ parts, context, request }: Rooting): Promise<z.infer<typeof output>> =>
  context.step('attach', {
    input: request,
    output,
    handle: cloudJobHandle,
    observe: async (begun, options) => {
      const settled = await settledVolume(parts.cloud, { volumeId: request.volume_id, begun }, options);
      if (settled.pending) return { state: 'pending' };
      const { volume, failure } = settled;
      if (volume.vmId === request.vm_id && volume.type === 'ROOT') {
        const message = 'Volume attached successfully' as const;
        return { state: 'done', output: { volume_id: volume.id, device_path: null, message } };
      }
      if (volume.vmId !== null)
        throw new AppError(
          'VOLUME_IN_USE',
          `Volume ${volume.name} is attached to VM ${volume.vmId} as ${volume.type}.`,
        );
      if (failure !== null) throw new AppError('CLOUD_JOB_FAILED', failure, { volume_id: volume.id });
      return { state: 'absent' };
    },
    act: async (options) => {
      const { jobId } = await parts.cloud.attachVolume(request.volume_id, request.vm_id, { ...options, deviceId: 0 });
      return { cloud_job_id: jobId };
    },
    record: (tx) => parts.rows.volumes.setStatus(tx, request.volume_id, 'attached'),
  });
