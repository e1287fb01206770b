import { permissionDenied, unknownEntity } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import type { LabJob, LabState } from '../state.ts';
import type { AsyncCall, SyncCall } from './call.ts';
import { cloudDate } from './reply.ts';

/** `javaOf`: the class of a command, from the table of all calls. */
export const jobCalls = (javaOf: (command: string) => AsyncCall['java']): Readonly<Record<string, SyncCall>> => ({
  queryAsyncJobResult: {
    does: 'How a job goes on, and how it ended.',
    accepts: { jobid: 'string!' },
    answer: ({ store: { state } }, { parameters, caller }) => {
      const id = parameters.required('jobid');
      const job = state.jobs.find((candidate) => candidate.id === id);
      const occasion = { command: 'queryAsyncJobResult', volumeId: job?.volumeId, only: ['job-expired'] } as const;
      if (job === undefined || takeFault(state.faults, 'request', occasion) !== null) {
        throw unknownEntity(parameters.command, 'jobid', id);
      }
      if (caller.role !== 'admin' && job.accountId !== caller.id) {
        throw permissionDenied(`Acct[${caller.id}-${caller.name}] does not have permission to operate with job ${id}`);
      }
      return jobView(state, job, javaOf(job.command));
    },
  },
});

function jobView(state: LabState, job: LabJob, java: string): Record<string, unknown> {
  const owner = state.accounts.find((account) => account.id === job.accountId);
  const [type, instanceId] =
    job.snapshotId !== null
      ? ['Snapshot', job.snapshotId]
      : job.volumeId !== null
        ? ['Volume', job.volumeId]
        : ['VirtualMachine', job.vmId];
  const command =
    owner?.role === 'admin' && !java.startsWith('tag.') && !java.startsWith('snapshot.')
      ? `admin.${java}CmdByAdmin`
      : `user.${java}Cmd`;
  return {
    accountid: job.accountId,
    userid: owner?.userId,
    account: owner?.name,
    domainid: state.ids.domain,
    domainpath: 'ROOT',
    cmd: `org.apache.cloudstack.api.command.${command}`,
    jobstatus: job.status,
    jobprocstatus: 0,
    jobresultcode: job.resultCode,
    ...(job.result === null ? {} : { jobresulttype: 'object', jobresult: job.result }),
    ...(instanceId === null ? {} : { jobinstancetype: type, jobinstanceid: instanceId }),
    created: cloudDate(job.createdAtMs),
    ...(job.completedAtMs === null ? {} : { completed: cloudDate(job.completedAtMs) }),
    jobid: job.id,
  };
}
