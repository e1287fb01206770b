import { sourceDiskId } from '../../domain/vm.ts';
import type { DiskOfJob, ReplicaKey } from '../../ports/rows.ts';
import type { CopyRequest } from './copy-disk.ts';

/** The row of the disk that a copy is for. */
export const diskOf = (request: CopyRequest): DiskOfJob => ({ jobId: request.job_id, diskKey: request.disk.key });

/** The row of what its volume is known to hold. */
export const replicaOf = (request: CopyRequest): ReplicaKey => ({
  sourceDisk: sourceDiskId(request.source, request.disk.key),
  volumeId: request.volume_id,
});
