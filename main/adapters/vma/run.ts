import type { JobDisk } from '../../../shared/contract/vma/jobs.ts';
import { AppError, asAppError, fromErrorBody } from '../../../shared/errors.ts';
import type { RemoteDisk } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { SegmentRequest } from '../../ports/mover.ts';
import type { NbdExports } from '../../ports/nbd-exports.ts';
import type { Signalled, Waiting } from '../../ports/signalled.ts';
import type { VmaClient } from './client.ts';

/** One attempt at one segment, as all of this folder sees it. */
export type VmaRun = {
  readonly exports: NbdExports;
  readonly hostAccess: HostAccess;
  readonly clock: Clock;
  readonly client: VmaClient;
  readonly request: SegmentRequest;
  readonly disk: RemoteDisk;
  /** Attempts rise within it, per disk. */
  readonly jobId: string;
  /** Shows that nobody can say what becomes of this run (rule M6). */
  readonly waiting: Waiting;
};

/** What the VMA says of this attempt; null where it knows nothing of it: it was started anew, and its movers died with it. */
export async function readRun({ client, jobId, request, disk }: VmaRun, options: Signalled): Promise<JobDisk | null> {
  try {
    const { disks } = await client.call('getJobStatus', { params: { job_id: jobId } }, options);
    const row = disks.find(({ disk_key: key }) => key === disk.diskKey);
    return row?.attempt === request.attempt ? row : null;
  } catch (error) {
    if (asAppError(error).code === 'NOT_FOUND') return null;
    throw error;
  }
}

export const restarted = (): AppError =>
  new AppError('VMA_UNREACHABLE', 'The VMA was started anew in mid-copy; the segment is sent again.');

/** It says itself why; what it says of a person's mistake is not tried again. */
export const endedEarly = ({ state, error }: JobDisk): AppError =>
  error === null ? new AppError('MOVER_FAILED', `The VMA says that the run is ${state}.`) : fromErrorBody(error);
