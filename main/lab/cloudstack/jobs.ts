import { randomUUID } from 'node:crypto';
import { ApiError, forEyesOf, internalFailure, invalidParameter } from '../api-error.ts';
import { type FaultName, takeFault } from '../faults.ts';
import type { Log } from '../log.ts';
import { pause } from '../pause.ts';
import { nextBetween } from '../random.ts';
import type { LabJob } from '../state.ts';
import type { Store } from '../store.ts';
import type { JobResult } from './call.ts';
import { errorContent } from './reply.ts';

/** What a job does between its two halves of waiting; see AsyncCall. */
export type JobWork = {
  begin(job: LabJob): void;
  act(job: LabJob, signal: AbortSignal): Promise<() => JobResult>;
  settle(job: LabJob): void;
  failed(job: LabJob): void;
  /** What happens by itself once the job has ended. */
  afterwards(job: LabJob): Promise<void>;
};

export type Jobs = {
  start(request: Pick<LabJob, 'command' | 'accountId' | 'volumeId' | 'vmId' | 'snapshotId' | 'sent'>): LabJob;
  /** After a start of the lab: jobs that were running go on, in their old order. */
  resume(): void;
  close(): Promise<void>;
};

type JobsOptions = {
  readonly store: Store;
  readonly work: JobWork;
  readonly nowMs: () => number;
  readonly log: Log;
};

/** Finished jobs that can still be asked for; the whole list is written at every change. */
const KEPT_JOBS = 500;

export function createJobs(options: JobsOptions): Jobs {
  const { store, nowMs, log } = options;
  const { state } = store;
  const stopping = new AbortController();
  const queues = new Map<string, Promise<void>>();

  /** Jobs with one VM wait for each other (VM_WORK_QUEUE); everything else runs at once. */
  const enqueue = (job: LabJob): void => {
    const key = job.vmId ?? job.id;
    const before = queues.get(key) ?? Promise.resolve();
    const done = before
      .then(() => runJob(options, job, stopping.signal))
      .catch((error: unknown) => {
        if (error !== stopping.signal.reason)
          log('error', 'A job was not recorded', { job: job.id, error: String(error) });
      })
      .finally(() => {
        if (queues.get(key) === done) queues.delete(key);
      });
    queues.set(key, done);
  };

  return {
    start: (request) => {
      const job: LabJob = {
        id: randomUUID(),
        createdAtMs: nowMs(),
        completedAtMs: null,
        status: 0,
        resultCode: 0,
        result: null,
        ...request,
      };
      state.jobs.push(job);
      const finished = state.jobs.filter((candidate) => candidate.status !== 0);
      const expired = new Set(finished.slice(0, Math.max(0, finished.length - KEPT_JOBS)));
      if (expired.size > 0) state.jobs = state.jobs.filter((candidate) => !expired.has(candidate));
      enqueue(job);
      return job;
    },
    resume: () => {
      const running = state.jobs.filter((job) => job.status === 0);
      for (const job of running) options.work.settle(job);
      const cancel = takeFault(state.faults, 'restart', { command: 'restart' });
      for (const job of running) {
        if (cancel === null) enqueue(job);
        else cancelJob(options, job, cancel.fault === 'restart-drops-volumes');
      }
    },
    close: async () => {
      stopping.abort(new Error('The lab stops.'));
      await Promise.all(queues.values());
    },
  };
}

async function runJob(options: JobsOptions, job: LabJob, stopped: AbortSignal): Promise<void> {
  const { store, work, log } = options;
  const { state } = store;
  const slow = takeFault(state.faults, 'job', occasionOf(store, job, ['slow-create', 'slow-job']));
  const delayMs = nextBetween(state.random, state.settings.delay_ms) + (slow?.value ?? 0);
  await pause(delayMs / 2, stopped);
  try {
    failByFault(store, job);
    work.begin(job);
    await pause(delayMs / 2, stopped);
    const record = await work.act(job, stopped);
    const result = record();
    const late = takeFault(state.faults, 'job-done', occasionOf(store, job, ['job-fails-after-act']));
    if (late !== null) throw internalFailure('Unexpected exception after the work was done');
    finish(options, job, { status: 1, resultCode: 0, result });
    loseVolume(store, job);
    await work.afterwards(job);
  } catch (error) {
    if (stopped.aborted && error === stopped.reason) throw error;
    work.settle(job);
    work.failed(job);
    if (!(error instanceof ApiError)) log('error', 'A job failed by itself', { job: job.id, error: String(error) });
    const known = error instanceof ApiError ? error : internalFailure(`Unexpected exception: ${String(error)}`);
    fail(options, job, known);
  }
  await store.flush();
}

/** How a fault finds this job. */
export function occasionOf(
  { state }: Store,
  job: LabJob,
  only: readonly FaultName[],
): Parameters<typeof takeFault>[2] & { only: readonly FaultName[] } {
  const name =
    state.volumes.find((volume) => volume.id === job.volumeId)?.name ??
    state.vms.find((vm) => vm.id === job.vmId)?.name;
  return { command: job.command, volumeId: job.volumeId, vmId: job.vmId, name, only };
}

function failByFault(store: Store, job: LabJob): void {
  const fault = takeFault(store.state.faults, 'job', occasionOf(store, job, ['job-fails-431', 'job-fails-530']));
  if (fault?.fault === 'job-fails-431') throw invalidParameter('Please specify another volume.');
  if (fault !== null) throw internalFailure(`Failed to run ${job.command} on the hypervisor`);
}

function loseVolume(store: Store, job: LabJob): void {
  if (takeFault(store.state.faults, 'job-done', occasionOf(store, job, ['volume-vanishes'])) === null) return;
  const volume = store.state.volumes.find((candidate) => candidate.id === job.volumeId);
  if (volume !== undefined) volume.removed = true;
}

function finish({ nowMs }: JobsOptions, job: LabJob, end: Pick<LabJob, 'status' | 'resultCode' | 'result'>): void {
  Object.assign(job, end, { completedAtMs: nowMs() });
}

function fail(options: JobsOptions, job: LabJob, error: ApiError): void {
  const owner = options.store.state.accounts.find((account) => account.id === job.accountId);
  const shown = forEyesOf(owner?.role ?? 'user', error);
  finish(options, job, { status: 2, resultCode: shown.http, result: errorContent(shown) });
}

/** What a management server that comes back does with the jobs it finds running. */
function cancelJob(options: JobsOptions, job: LabJob, dropVolume: boolean): void {
  const text = 'job cancelled because of management server restart or shutdown';
  finish(options, job, { status: 2, resultCode: 530, result: errorContent(new ApiError(530, undefined, text)) });
  options.work.failed(job);
  const volume = options.store.state.volumes.find((candidate) => candidate.id === job.volumeId);
  if (dropVolume && volume !== undefined) volume.removed = true;
}
