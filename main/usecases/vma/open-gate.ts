import type { VmaHandlers, VmaParts } from './parts.ts';
import { statusOf } from './read-jobs.ts';
import { requireJob } from './require.ts';

/** The OMA has proved the device at the other end (rule D4); nothing else opens a gate. */
export const openGate =
  (parts: VmaParts): VmaHandlers['openGate'] =>
  ({ params, body }) => {
    const { jobId } = requireJob(parts, params.job_id);
    parts.jobs.open({ jobId, diskKey: body.disk_key, attempt: body.attempt });
    return Promise.resolve(statusOf(parts, jobId));
  };
