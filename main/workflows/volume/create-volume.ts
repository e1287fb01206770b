import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { Observation, Workflow } from '../../engine/workflow.ts';
import type { CloudVolume } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { Tx } from '../../ports/store.ts';
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

type Request = z.infer<typeof input>;
type Handle = z.infer<typeof handle>;
type Seen = Observation<z.infer<typeof volumeOutput>, Handle>;
export type CreateVolume = Workflow<Request, z.infer<typeof volumeOutput>>;

const found = ({ id, name, sizeBytes }: CloudVolume) => ({
  state: 'done' as const,
  output: { volume_id: id, name, size_bytes: sizeBytes },
});

/** Makes one volume. Its name carries the id of the intent, so a lost reply is found again by name (rule J2). */
export function createVolumeWorkflow(parts: VolumeParts): CreateVolume {
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
        observe: (begun, options) =>
          begun === undefined ? findByName(parts, request.name, options) : findMade(parts, begun, options),
        act: async (options) => {
          const accepted = await parts.cloud.createVolume(
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
        record: (tx, volume) => recordMade(parts, tx, { request, volume }),
      });
      // It is in the records as soon as it is known; the mark in CloudStack follows.
      await claimVolume(parts, context, { volumeId: made.volume_id, record: () => Promise.resolve() });
      return made;
    },
  };
}

async function findByName({ cloud }: VolumeParts, name: string, options: Signalled): Promise<Seen> {
  const [volume, ...more] = await cloud.volumesNamed(name, options);
  if (more.length > 0) throw new AppError('VOLUME_AMBIGUOUS', `${String(more.length + 1)} volumes are called ${name}.`);
  if (volume === undefined) return { state: 'absent' };
  if (volume.pendingJobId === null) return found(volume);
  // Kept, so that a volume which vanishes from now on is missed rather than made again.
  return { state: 'pending', handle: { cloud_job_id: volume.pendingJobId, volume_id: volume.id } };
}

async function findMade({ cloud }: VolumeParts, begun: Handle, options: Signalled): Promise<Seen> {
  const job = await cloud.job(begun.cloud_job_id, options);
  if (job.state === 'pending') return { state: 'pending' };
  const volume = await cloud.volume(begun.volume_id, options);
  // The object counts, not the job's words: a job that failed after its work left a volume that can be used.
  if (volume !== null && (job.state !== 'failed' || usable.has(volume.state))) return found(volume);
  if (job.state === 'failed' && (volume !== null || job.code !== 530)) {
    const details = { cloud_job_id: begun.cloud_job_id };
    throw new AppError('CLOUD_JOB_FAILED', `${String(job.code)} ${job.text}`, details);
  }
  const reason = `CloudStack accepted volume ${begun.volume_id} and no longer lists it.`;
  throw new AppError('VOLUME_VANISHED', reason, { volume_id: begun.volume_id });
}

type Made = { readonly request: Request; readonly volume: z.infer<typeof volumeOutput> };

async function recordMade({ rows }: VolumeParts, tx: Tx, { request, volume }: Made): Promise<void> {
  const { volume_id: volumeId, name, size_bytes: sizeBytes } = volume;
  const { job_id: jobId, disk_key: diskKey, source_disk: sourceDisk, metadata } = request;
  await rows.volumes.insert(tx, { volumeId, name, sizeBytes, origin: 'made', jobId, diskKey, sourceDisk, metadata });
  if (jobId === null || diskKey === null) return;
  await rows.jobs.patchDisk(tx, { jobId, diskKey }, { volumeId, volumeName: name, volumeBytes: sizeBytes });
}
