import type { VmaHandlers, VmaParts } from './parts.ts';
import { statusOf } from './read-jobs.ts';
import { requireJob } from './require.ts';

/** Answers when the movers are dead. What was asked for stays asked for: none of these attempts can come back. */
export const cancelJob =
  (parts: VmaParts): VmaHandlers['cancelJob'] =>
  async ({ body }) => {
    const { jobId, disks } = requireJob(parts, body.job_id);
    const keys = body.disk_key === undefined ? disks.map(({ disk_key: key }) => key) : [body.disk_key];
    await parts.jobs.stop(jobId, keys);
    return statusOf(parts, jobId);
  };
