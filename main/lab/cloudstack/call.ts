import type { Appliance } from '../oma/appliance.ts';
import type { LabAccount, LabJob } from '../state.ts';
import type { Store } from '../store.ts';
import type { Accepts } from './accepts.ts';
import type { Parameters } from './parameters.ts';

export type CallContext = {
  readonly store: Store;
  readonly appliance: Appliance;
  readonly nowMs: () => number;
};

/** One request after its signature and its parameters were checked. */
export type Asked = { readonly parameters: Parameters; readonly caller: LabAccount };

/** What a job works on. Jobs with one VM wait for each other. */
export type Subject = Pick<LabJob, 'volumeId' | 'vmId' | 'snapshotId'>;

type Described = {
  readonly does: string;
  readonly accepts: Accepts;
  /** Others hear what they would hear of a command that does not exist. */
  readonly adminOnly?: true;
};

export type SyncCall = Described & {
  answer(context: CallContext, asked: Asked): object | Promise<object>;
};

export type JobResult = Readonly<Record<string, unknown>>;

export type AsyncCall = Described & {
  /** Below org.apache.cloudstack.api.command, as queryAsyncJobResult names it. */
  readonly java: string;
  /** The reply to an async create carries the id of the record that it made. */
  readonly creates?: 'volumeId' | 'vmId' | 'snapshotId';
  /** All that is refused before there is a job; makes the record of an async create. */
  accept(context: CallContext, asked: Asked): Subject;
  /** Half way through: shows the state of transition. */
  begin?(context: CallContext, job: LabJob): void;
  /** Returns what to record: it runs in one go with the end of the job, so no kill can part the two. May run again after a kill. */
  act(context: CallContext, job: LabJob, signal: AbortSignal): Promise<() => JobResult>;
  /** The job failed, or was interrupted and will run again: leave nothing in a state of transition. */
  settle?(context: CallContext, job: LabJob): void;
  /** The job failed for good. */
  failed?(context: CallContext, job: LabJob): void;
};

export type Call = SyncCall | AsyncCall;

export const isAsync = (call: Call): call is AsyncCall => 'act' in call;

export const only = (subject: Partial<Subject>): Subject => ({
  volumeId: null,
  vmId: null,
  snapshotId: null,
  ...subject,
});
