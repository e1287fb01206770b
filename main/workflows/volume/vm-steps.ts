import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { RunContext } from '../../engine/workflow.ts';
import type { CloudVm } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { cloudJobHandle } from './cloud-job.ts';
import { ownerTag } from './ownership.ts';
import type { VolumeParts } from './parts.ts';

const gone: ReadonlySet<string> = new Set(['Destroyed', 'Expunging']);
export const isGone = (vm: CloudVm | null): boolean => vm === null || gone.has(vm.state);

/** Rule D7: only a VM that bears our mark is stopped or deleted. */
export function requireOurVm(vm: CloudVm, installId: string): void {
  if (vm.tags[ownerTag] === installId) return;
  throw new AppError('VOLUME_NOT_OURS', `VM ${vm.name} bears no mark of this console (tag ${ownerTag}).`, {
    vm_id: vm.id,
  });
}

type VmStep = {
  readonly name: string;
  readonly vmId: string;
  readonly isDone: (vm: CloudVm | null) => boolean;
  /** States in which CloudStack is at it already. */
  readonly underWay: readonly string[];
  readonly act: (options: Signalled) => Promise<{ readonly jobId: string }>;
};

/** Brings a VM into a state by one job, which is polled to its end. The state counts, not the job's words. */
export const bringVm = (parts: VolumeParts, context: RunContext, step: VmStep): Promise<null> =>
  context.step(step.name, {
    input: step.vmId,
    output: z.null(),
    handle: cloudJobHandle,
    observe: async (begun, options) => {
      const job = begun === undefined ? null : await parts.cloud.job(begun.cloud_job_id, options);
      if (job?.state === 'pending') return { state: 'pending' };
      const vm = await parts.cloud.vm(step.vmId, options);
      if (step.isDone(vm)) return { state: 'done', output: null };
      if (vm !== null && step.underWay.includes(vm.state)) return { state: 'pending' };
      if (job?.state === 'failed') throw new AppError('CLOUD_JOB_FAILED', `${String(job.code)} ${job.text}`);
      return { state: 'absent' };
    },
    act: async (options) => {
      const vm = await parts.cloud.vm(step.vmId, options);
      if (vm === null) throw new AppError('NOT_FOUND', `CloudStack lists no VM ${step.vmId}.`);
      requireOurVm(vm, parts.installId);
      return { cloud_job_id: (await step.act(options)).jobId };
    },
  });
