import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import type { AttachVolume } from './attach-volume.ts';
import type { DetachVolume } from './detach-volume.ts';
import { failsAlone } from './fails-alone.ts';
import type { VolumeParts } from './parts.ts';
import { bringVm, isGone, requireOurVm } from './vm-steps.ts';

const input = z.object({
  /** The test VM; `vm_id` in the operation's row. */
  vm_id: z.uuid(),
  volume_id: z.uuid(),
  oma_vm_id: z.uuid(),
  delete_vm: z.boolean(),
  force_clean: z.boolean(),
});
const output = z.object({
  volume_id: z.uuid(),
  device_path: z.string().nullable(),
  vm_deleted: z.boolean(),
  message: z.literal('Test failover cleaned up'),
});

type Request = z.infer<typeof input>;
export type CleanUpTestFailover = Workflow<Request, z.infer<typeof output>>;
type CleaningUp = { readonly parts: Parts; readonly context: RunContext; readonly request: Request };
type Parts = VolumeParts & { readonly operations: { readonly attach: AttachVolume; readonly detach: DetachVolume } };

/**
 * Stops the test VM, takes the volume off it, deletes the VM if asked to, and brings the volume back to the appliance.
 * The volume comes off first: a destroyed VM takes its root disk with it.
 */
export function cleanUpTestFailoverWorkflow(parts: Parts): CleanUpTestFailover {
  return {
    name: 'clean-up-test-failover',
    version: 1,
    input,
    output,
    cancellable: false,
    failsAlone,
    project: parts.project('cleanup'),
    run: async (context, request) => {
      const cleaning = { parts, context, request };
      const there = await lookAtVm(cleaning);
      if (there) await stop(cleaning);
      const { volume_id: volumeId, oma_vm_id: omaVmId } = request;
      if (there) {
        const from = { volume_id: volumeId, vm_id: request.vm_id, job_id: null };
        if (await isOnTestVm(cleaning)) await context.child('detach', parts.operations.detach, from);
      }
      const vmDeleted = there && request.delete_vm;
      if (vmDeleted) await destroy(cleaning);
      await context.write((tx) => parts.rows.volumes.setRole(tx, volumeId, 'replica'));
      const to = { volume_id: volumeId, vm_id: omaVmId, job_id: null, disk_key: null };
      const { device_path: devicePath } = await context.child('attach', parts.operations.attach, to);
      const message = 'Test failover cleaned up' as const;
      return { volume_id: volumeId, device_path: devicePath, vm_deleted: vmDeleted, message };
    },
  };
}

const lookAtVm = ({ parts, context, request }: CleaningUp): Promise<boolean> =>
  context.step('look', {
    input: request,
    ...actOnce(z.boolean(), async (options) => {
      const vm = await parts.cloud.vm(request.vm_id, options);
      if (vm !== null && !isGone(vm)) {
        requireOurVm(vm, parts.installId);
        return true;
      }
      if (request.force_clean) return false;
      throw new AppError('NOT_FOUND', `CloudStack lists no VM ${request.vm_id}; force_clean goes on without it.`);
    }),
  });

const stop = ({ parts, context, request }: CleaningUp): Promise<null> =>
  bringVm(parts, context, {
    name: 'stop-vm',
    vmId: request.vm_id,
    isDone: (vm) => vm?.state === 'Stopped',
    underWay: ['Stopping'],
    act: (options) => parts.cloud.stopVm(request.vm_id, { ...options, forced: request.force_clean }),
  });

const isOnTestVm = ({ parts, context, request }: CleaningUp): Promise<boolean> =>
  context.step('look-at-volume', {
    input: request.volume_id,
    ...actOnce(z.boolean(), async (options) => {
      const volume = await parts.cloud.volume(request.volume_id, options);
      if (volume === null) throw new AppError('VOLUME_VANISHED', `CloudStack lists no volume ${request.volume_id}.`);
      return volume.vmId === request.vm_id;
    }),
  });

async function destroy({ parts, context, request }: CleaningUp): Promise<void> {
  await context.step('look-at-disks', {
    input: request.vm_id,
    ...actOnce(z.null(), async (options) => {
      for (const volume of await parts.cloud.volumesOfVm(request.vm_id, options)) {
        if ((await parts.rows.volumes.get(volume.id)) === null) continue;
        throw new AppError('VOLUME_IN_USE', `Volume ${volume.name} is still on the test VM and would go with it.`, {
          volume_id: volume.id,
        });
      }
      return null;
    }),
  });
  await bringVm(parts, context, {
    name: 'destroy-vm',
    vmId: request.vm_id,
    isDone: isGone,
    underWay: ['Stopping'],
    act: (options) => parts.cloud.destroyVm(request.vm_id, { ...options, expunge: true }),
  });
}
