import type { DiskOfJob } from '../../ports/rows.ts';
import type { CopyRequest } from './copy-disk.ts';

/** The row of the disk that a copy is for. */
export const diskOf = (request: CopyRequest): DiskOfJob => ({ jobId: request.job_id, diskKey: request.disk.key });
