import { takeFault } from '../faults.ts';
import { shapeOf } from './accepts.ts';
import { attachCalls } from './attach-calls.ts';
import { type AsyncCall, type Call, type CallContext, isAsync, type SyncCall } from './call.ts';
import { deployCalls } from './deploy-call.ts';
import { jobCalls } from './job-calls.ts';
import { type JobWork, occasionOf } from './jobs.ts';
import { limitCalls } from './limit-calls.ts';
import { listing, offerCalls } from './offer-calls.ts';
import { snapshotAnswers, snapshotCalls } from './snapshot-calls.ts';
import { tagAnswers, tagCalls } from './tag-calls.ts';
import { guestPowersOff, vmAnswers, vmCalls } from './vm-calls.ts';
import { volumeAnswers, volumeCalls } from './volume-calls.ts';

const asyncCalls: Readonly<Record<string, AsyncCall>> = {
  ...volumeCalls,
  ...attachCalls,
  ...snapshotCalls,
  ...deployCalls,
  ...vmCalls,
  ...tagCalls,
};

const answers: Readonly<Record<string, SyncCall>> = {
  ...volumeAnswers,
  ...snapshotAnswers,
  ...vmAnswers,
  ...tagAnswers,
  ...offerCalls,
  ...limitCalls,
  ...jobCalls((command) => asyncCalls[command]?.java ?? command),
  listApis: listing('api', 'Lists the calls of this server.', { items: () => describedCalls() }),
};

/** Every call of the lab, by its own name. */
const calls: Readonly<Record<string, Call>> = { ...asyncCalls, ...answers };

const namesByLowerCase = new Map(Object.keys(calls).map((name) => [name.toLowerCase(), name]));

/** Commands are looked up in any case. */
export function callNamed(command: string): { readonly name: string; readonly call: Call } | null {
  const name = namesByLowerCase.get(command.toLowerCase());
  const call = name === undefined ? undefined : calls[name];
  return name === undefined || call === undefined ? null : { name, call };
}

const describedCalls = (): Record<string, unknown>[] =>
  Object.entries(calls).map(([name, call]) => ({
    name,
    description: call.does,
    isasync: isAsync(call),
    params: Object.entries(call.accepts).map(([parameter, text]) => {
      const { kind, required, many } = shapeOf(text);
      const simple = ['string', 'integer', 'boolean', 'map'].includes(kind) ? kind : 'uuid';
      return { name: parameter, type: many ? 'list' : simple, required };
    }),
  }));

/** What jobs do, from the table. */
export function createJobWork(context: CallContext): JobWork {
  const callOf = (command: string): AsyncCall => {
    const call = asyncCalls[command];
    if (call === undefined) throw new Error(`The lab has no job ${command}.`);
    return call;
  };
  const { store } = context;
  return {
    begin: (job) => callOf(job.command).begin?.(context, job),
    act: (job, signal) => callOf(job.command).act(context, job, signal),
    settle: (job) => callOf(job.command).settle?.(context, job),
    failed: (job) => callOf(job.command).failed?.(context, job),
    afterwards: async (job) => {
      if (takeFault(store.state.faults, 'job-done', occasionOf(store, job, ['vm-stops'])) === null) return;
      const vm = store.state.vms.find((candidate) => candidate.id === job.vmId);
      if (vm !== undefined) await guestPowersOff(context, vm);
    },
  };
}
