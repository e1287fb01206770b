import type { JobDisk } from '../../../shared/contract/vma/jobs.ts';
import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Sender } from '../../ports/sender.ts';
import { type DiskRun, type DiskToSend, startDiskRun } from './disk-run.ts';

export type JobView = {
  readonly jobId: string;
  readonly vmId: string;
  readonly siteId: string;
  readonly startedAt: string;
  readonly updatedAt: string;
  readonly disks: readonly JobDisk[];
  readonly bytesPerSecond: number;
};

type NewJob = Pick<JobView, 'jobId' | 'vmId' | 'siteId'>;

type Job = NewJob & { readonly startedAt: string; updatedAt: string; readonly runs: Map<number, DiskRun> };

/**
 * The movers of this start of the VMA. Nothing of it is kept: when this process dies its movers die, and a job that is
 * not known here has none.
 */
export type JobBoard = {
  get(jobId: string): JobView | null;
  /** Resolves when no older attempt of these disks is alive any more; the new ones are on their way to their gates. */
  begin(request: NewJob & { readonly attempt: number; readonly disks: readonly DiskToSend[] }): Promise<void>;
  /** Throws UNKNOWN_DISK, ATTEMPT_STALE, GATE_SHUT. */
  open(request: { readonly jobId: string; readonly diskKey: number; readonly attempt: number }): void;
  /** Resolves when they are dead. */
  stop(jobId: string, diskKeys: readonly number[]): Promise<void>;
  /** A job with movers that read from this site. */
  activeOfSite(siteId: string): string | null;
  reads(snapshotMoRef: string): boolean;
  close(): Promise<void>;
};

export function createJobBoard({ sender, clock }: { readonly sender: Sender; readonly clock: Clock }): JobBoard {
  const jobs = new Map<string, Job>();
  const runsOf = (jobId: string): Map<number, DiskRun> => jobs.get(jobId)?.runs ?? new Map<number, DiskRun>();
  const active = (): DiskRun[] => [...jobs.values()].flatMap(({ runs }) => [...runs.values()]).filter(isActive);

  return {
    get: (jobId) => {
      const job = jobs.get(jobId);
      return job === undefined ? null : viewOf(job);
    },
    begin: async ({ attempt, disks, ...wanted }) => {
      const job: Job = jobs.get(wanted.jobId) ?? {
        ...wanted,
        startedAt: clock.now(),
        updatedAt: clock.now(),
        runs: new Map(),
      };
      // Two requests may have been recorded in one order and come here in the other.
      const overtaken = disks.map(({ diskKey }) => job.runs.get(diskKey)).find((run) => (run?.attempt ?? 0) >= attempt);
      if (overtaken !== undefined) throw stale(overtaken.document(), attempt);
      jobs.set(job.jobId, job);
      const begun = disks.map((disk) => {
        const run = startDiskRun({
          ...{ disk, attempt, sender, clock },
          name: `${job.jobId}.${String(disk.diskKey)}`,
          jobId: job.jobId,
          previous: job.runs.get(disk.diskKey),
          onChange: () => {
            job.updatedAt = clock.now();
          },
        });
        job.runs.set(disk.diskKey, run);
        return run;
      });
      await Promise.all(begun.map(({ alone }) => alone));
    },
    open: ({ jobId, diskKey, attempt }) => {
      const run = runsOf(jobId).get(diskKey);
      if (run === undefined) throw unknownDisk(jobId, diskKey);
      if (run.attempt !== attempt) throw stale(run.document(), attempt);
      run.open();
    },
    stop: async (jobId, diskKeys) => {
      const runs = diskKeys.map((key) => {
        const run = runsOf(jobId).get(key);
        if (run === undefined) throw unknownDisk(jobId, key);
        return run;
      });
      await Promise.all(runs.map((run) => run.stop()));
    },
    activeOfSite: (siteId) =>
      [...jobs.values()].find((job) => job.siteId === siteId && [...job.runs.values()].some(isActive))?.jobId ?? null,
    reads: (snapshotMoRef) =>
      active().some(({ source }) => source.format === 'snapshot' && source.snapshotMoRef === snapshotMoRef),
    close: async () => {
      await Promise.all(active().map((run) => run.stop()));
    },
  };
}

const isActive = (run: DiskRun): boolean => ['starting', 'connected', 'copying'].includes(run.document().state);

const viewOf = ({ runs, ...job }: Job): JobView => ({
  ...job,
  disks: [...runs.values()].map((run) => run.document()),
  bytesPerSecond: [...runs.values()].reduce((sum, run) => sum + run.bytesPerSecond(), 0),
});

const unknownDisk = (jobId: string, diskKey: number): AppError =>
  new AppError('UNKNOWN_DISK', `Job ${jobId} has no mover of a disk ${String(diskKey)}.`, { disk_key: diskKey });

const stale = (current: JobDisk, attempt: number): AppError =>
  new AppError(
    'ATTEMPT_STALE',
    `Attempt ${String(current.attempt)} of disk ${String(current.disk_key)} is the current one.`,
    {
      disk_key: current.disk_key,
      attempt,
      seen: current.attempt,
    },
  );
