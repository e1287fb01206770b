import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { HostSnapshot } from '../../domain/device.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import { cloudJobHandle, settledVolume } from './cloud-job.ts';
import type { VolumeParts } from './parts.ts';

const input = z.object({
  volume_id: z.uuid(),
  vm_id: z.uuid(),
  size_bytes: z.int().positive(),
  job_id: z.string().nullable(),
  disk_key: z.int().nullable(),
});
const output = z.object({
  volume_id: z.uuid(),
  device_path: z.string(),
  mapping_id: z.uuid(),
  message: z.literal('Volume attached successfully'),
});
const device = z.object({
  name: z.string(),
  path: z.string(),
  dev: z.string(),
  sizeBytes: z.number(),
  diskseq: z.string().nullable(),
  serial: z.string(),
  holders: z.array(z.string()),
});
const snapshot = z.object({ bootId: z.string(), devices: z.array(device) });

type Request = z.infer<typeof input>;
export type AttachVolume = Workflow<Request, z.infer<typeof output>>;

/** Attaches one volume to the appliance and proves which device it became. */
export function attachVolumeWorkflow(parts: VolumeParts): AttachVolume {
  return {
    name: 'attach-volume',
    version: 1,
    input,
    output,
    cancellable: false,
    project: parts.project('attach'),
    run: async (context, request) => {
      const leave = await parts.attachTurns.enter(1, context.signal);
      try {
        const before = await lookBefore(parts, context, request);
        await attachInCloud(parts, context, request);
        return await proveDevice(parts, context, { request, before });
      } finally {
        leave();
      }
    },
  };
}

const lookBefore = (parts: VolumeParts, context: RunContext, request: Request): Promise<HostSnapshot> =>
  context.step('look', {
    input: request.volume_id,
    ...actOnce(snapshot, async (options) => {
      const seen = await parts.host.snapshot(options);
      return { bootId: seen.bootId, devices: seen.devices.map((found) => ({ ...found, holders: [...found.holders] })) };
    }),
  });

const attachInCloud = (parts: VolumeParts, context: RunContext, request: Request): Promise<string> =>
  context.step('attach', {
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

type Proof = { readonly request: Request; readonly before: HostSnapshot };

const proveDevice = (
  parts: VolumeParts,
  context: RunContext,
  { request, before }: Proof,
): Promise<z.infer<typeof output>> =>
  context.step('prove', {
    input: { volume_id: request.volume_id, vm_id: request.vm_id },
    output,
    handle: z.null(),
    observe: async (_begun, { signal }) => {
      const wanted = { volumeId: request.volume_id, sizeBytes: request.size_bytes };
      const mapping = await parts.truth.prove(wanted, { signal, before });
      return {
        state: 'done',
        output: {
          volume_id: request.volume_id,
          device_path: mapping.device.path,
          mapping_id: mapping.id,
          message: 'Volume attached successfully',
        },
      };
    },
    act: () => Promise.resolve(null),
    record: async (tx, proved) => {
      await parts.rows.volumes.setStatus(tx, request.volume_id, 'attached');
      if (request.job_id === null || request.disk_key === null) return;
      const mapping = await parts.rows.mappings.openOf(request.volume_id);
      await parts.rows.jobs.patchDisk(
        tx,
        { jobId: request.job_id, diskKey: request.disk_key },
        {
          devicePath: proved.device_path,
          ...(mapping === null ? {} : { evidence: mapping.evidence }),
        },
      );
    },
  });
