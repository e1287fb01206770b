import type { JobDisk, JobStatus } from '../../../shared/contract/vma/jobs.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';
import { requireJob } from './require.ts';

export const getJobStatus =
  (parts: VmaParts): VmaHandlers['getJobStatus'] =>
  ({ params }) =>
    // An async door turns what is thrown into a rejection.
    Promise.resolve().then(() => statusOf(parts, params.job_id));

export function statusOf(parts: VmaParts, jobId: string): JobStatus {
  const { vmId, disks } = requireJob(parts, jobId);
  return { job_id: jobId, vm_id: vmId, disks: [...disks] };
}

/** Of what is really sent, not of the capacity of the disks. */
export const getJobProgress =
  (parts: VmaParts): VmaHandlers['getJobProgress'] =>
  ({ params }) =>
    Promise.resolve().then(() => {
      const { jobId, startedAt, updatedAt, disks, bytesPerSecond } = requireJob(parts, params.job_id);
      const total = disks.reduce((sum, disk) => sum + disk.bytes_total, 0);
      const transferred = disks.reduce((sum, disk) => sum + disk.bytes_written, 0);
      return {
        job_id: jobId,
        stage: stageOf(disks),
        status: outcomeOf(disks),
        started_at: startedAt,
        updated_at: updatedAt,
        aggregate: {
          total_bytes: total,
          bytes_transferred: transferred,
          throughput_bps: bytesPerSecond,
          percent: total === 0 ? 100 : (100 * transferred) / total,
        },
        disks: [...disks],
      };
    });

const ofAny = (disks: readonly JobDisk[], ...states: JobDisk['state'][]): boolean =>
  disks.some(({ state }) => states.includes(state));

function stageOf(disks: readonly JobDisk[]): 'connect' | 'gate' | 'transfer' | 'ended' {
  if (ofAny(disks, 'copying')) return 'transfer';
  if (ofAny(disks, 'connected')) return 'gate';
  return ofAny(disks, 'starting') ? 'connect' : 'ended';
}

/** One disk that failed makes a job that failed, and never one that is done. */
function outcomeOf(disks: readonly JobDisk[]): 'running' | 'done' | 'failed' | 'stopped' {
  if (ofAny(disks, 'starting', 'connected', 'copying')) return 'running';
  if (ofAny(disks, 'failed')) return 'failed';
  return ofAny(disks, 'stopped') ? 'stopped' : 'done';
}
