import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Workflow } from '../../engine/workflow.ts';
import type { CloudVolume } from '../../ports/cloud.ts';
import { failsAlone } from './fails-alone.ts';
import { claimVolume } from './ownership.ts';
import type { VolumeParts } from './parts.ts';
import { volumeOutput } from './volume-output.ts';

const input = z.object({
  name: z.string(),
  size_bytes: z.int().positive(),
  disk_offering_id: z.string(),
  zone_id: z.string(),
  job_id: z.string().nullable(),
  disk_key: z.int().nullable(),
  /** The source disk whose bytes it is for. */
  source_disk: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
});
const handle = z.object({ cloud_job_id: z.string(), volume_id: z.uuid() });
const gib = 1024 ** 3;

/** What CloudStack's volume is in once it exists and nothing is being done to it. */
const usable: ReadonlySet<string> = new Set(['Allocated', 'Ready']);

export type CreateVolume = Workflow<z.infer<typeof input>, z.infer<typeof volumeOutput>>;

const found = ({ id, name, sizeBytes }: CloudVolume) => ({
  state: 'done' as const,
  output: { volume_id: id, name, size_bytes: sizeBytes },
});

/** Makes one volume. Its name carries the id of the intent, so a lost reply is found again by name (rule J2). */
export function createVolumeWorkflow(parts: VolumeParts): CreateVolume {
  const { cloud, rows } = parts;
  return {
    name: 'create-volume',
    version: 2,
    input,
    output: volumeOutput,
    cancellable: false,
    failsAlone,
    project: parts.project('create'),
    run: async (context, request) => {
      const made = await context.step('create', {
        input: request,
        output: volumeOutput,
        handle,
        observe: async (begun, options) => {
          if (begun === undefined) {
            const [volume, ...more] = await cloud.volumesNamed(request.name, options);
            if (more.length > 0)
              throw new AppError('VOLUME_AMBIGUOUS', `${String(more.length + 1)} volumes are called ${request.name}.`);
            if (volume === undefined) return { state: 'absent' };
            if (volume.pendingJobId === null) return found(volume);
            // Kept, so that a volume which vanishes from now on is missed rather than made again.
            return { state: 'pending', handle: { cloud_job_id: volume.pendingJobId, volume_id: volume.id } };
          }
          const job = await cloud.job(begun.cloud_job_id, options);
          if (job.state === 'pending') return { state: 'pending' };
          const volume = await cloud.volume(begun.volume_id, options);
          // The object counts, not the job's words: a job that failed after its work left a volume that can be used.
          if (volume !== null && (job.state !== 'failed' || usable.has(volume.state))) return found(volume);
          if (job.state === 'failed' && (volume !== null || job.code !== 530)) {
            throw new AppError('CLOUD_JOB_FAILED', `${String(job.code)} ${job.text}`, {
              cloud_job_id: begun.cloud_job_id,
            });
          }
          throw new AppError(
            'VOLUME_VANISHED',
            `CloudStack accepted volume ${begun.volume_id} and no longer lists it.`,
            {
              volume_id: begun.volume_id,
            },
          );
        },
        act: async (options) => {
          const accepted = await cloud.createVolume(
            {
              name: request.name,
              sizeGib: Math.ceil(request.size_bytes / gib),
              diskOfferingId: request.disk_offering_id,
              zoneId: request.zone_id,
            },
            options,
          );
          return { cloud_job_id: accepted.jobId, volume_id: accepted.volumeId };
        },
        record: async (tx, made) => {
          const { volume_id: volumeId, name, size_bytes: sizeBytes } = made;
          await rows.volumes.insert(tx, {
            volumeId,
            name,
            sizeBytes,
            origin: 'made',
            jobId: request.job_id,
            diskKey: request.disk_key,
            sourceDisk: request.source_disk,
            metadata: request.metadata,
          });
          if (request.job_id !== null && request.disk_key !== null) {
            await rows.jobs.patchDisk(
              tx,
              { jobId: request.job_id, diskKey: request.disk_key },
              {
                volumeId,
                volumeName: name,
                volumeBytes: sizeBytes,
              },
            );
          }
        },
      });
      // It is in the records as soon as it is known; the mark in CloudStack follows.
      await claimVolume(parts, context, { volumeId: made.volume_id, record: () => Promise.resolve() });
      return made;
    },
  };
}
