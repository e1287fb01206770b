import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';
import { requireDeletable } from '../workflows/volume/delete-volume.ts';
import type { UsecaseParts } from './parts.ts';
import { startOperation } from './start-operation.ts';

export const createVolume =
  (parts: UsecaseParts): Handlers['createVolume'] =>
  async ({ body }, context) => {
    parts.site();
    const id = context.requestId ?? parts.ids.next();
    return await startOperation(
      parts,
      {
        workflow: parts.operations.create,
        subject: body.name,
        input: {
          // The id of the intent finds the volume again when the reply is lost (rule J2).
          name: `${body.name}-${id}`,
          size_bytes: body.size,
          disk_offering_id: body.disk_offering_id,
          zone_id: body.zone_id,
          job_id: null,
          disk_key: null,
          source_disk: null,
          metadata: body.metadata ?? {},
        },
      },
      { ...context, requestId: id },
    );
  };

export const attachVolume =
  (parts: UsecaseParts): Handlers['attachVolume'] =>
  async ({ params, body }, context) => {
    parts.site();
    const input = { volume_id: params.id, vm_id: body.vm_id, job_id: null, disk_key: null };
    return await startOperation(
      parts,
      { workflow: parts.operations.attach, input, ...onVolume(parts, params.id) },
      context,
    );
  };

export const attachRootVolume =
  (parts: UsecaseParts): Handlers['attachRootVolume'] =>
  async ({ params, body }, context) => {
    if (body.vm_id === parts.site().omaVmId)
      throw new AppError('INVALID_REQUEST', 'The appliance itself gets no other root disk.');
    const input = { volume_id: params.id, vm_id: body.vm_id };
    return await startOperation(
      parts,
      { workflow: parts.operations.attachRoot, input, ...onVolume(parts, params.id) },
      context,
    );
  };

export const detachVolume =
  (parts: UsecaseParts): Handlers['detachVolume'] =>
  async ({ params }, context) => {
    parts.site();
    await requireRecord(parts, params.id);
    const input = { volume_id: params.id, vm_id: null, job_id: null };
    return await startOperation(
      parts,
      { workflow: parts.operations.detach, input, ...onVolume(parts, params.id) },
      context,
    );
  };

export const deleteVolume =
  (parts: UsecaseParts): Handlers['deleteVolume'] =>
  async ({ params, query }, context) => {
    parts.site();
    const volume = await requireRecord(parts, params.id);
    if (volume.status === 'attached' || (volume.mapping !== null && volume.mapping.ended_at === null))
      throw new AppError('VOLUME_IN_USE', `Volume ${volume.name} is attached.`);
    const confirm = query.confirm ?? null;
    requireDeletable(volume, confirm);
    const input = { volume_id: params.id, job_id: null, confirm };
    return await startOperation(
      parts,
      { workflow: parts.operations.remove, input, ...onVolume(parts, params.id) },
      context,
    );
  };

export const cleanUpTestFailover =
  (parts: UsecaseParts): Handlers['cleanUpTestFailover'] =>
  async ({ body }, context) => {
    const { omaVmId } = parts.site();
    if (body.oma_vm_id !== omaVmId)
      throw new AppError('INVALID_REQUEST', `body.oma_vm_id: the appliance of this site is ${omaVmId}`);
    if (body.test_vm_id === omaVmId) throw new AppError('INVALID_REQUEST', 'body.test_vm_id: that is the appliance');
    await requireRecord(parts, body.volume_id);
    const { test_vm_id: vmId, ...rest } = body;
    const input = { ...rest, vm_id: vmId };
    const order = { workflow: parts.operations.cleanUp, input, ...onVolume(parts, body.volume_id) };
    return await startOperation(parts, order, context);
  };

export const forceSync =
  (parts: UsecaseParts): Handlers['forceSync'] =>
  async (_input, context) => {
    const subject = parts.site().omaVmId;
    return await startOperation(parts, { workflow: parts.operations.forceSync, input: {}, subject }, context);
  };

async function requireRecord({ rows }: UsecaseParts, volumeId: string) {
  const volume = await rows.volumes.get(volumeId);
  if (volume === null || volume.status === 'deleted')
    throw new AppError('NOT_FOUND', `This console has no volume ${volumeId}.`);
  return volume;
}

/** Between the operations of a migration its volume is still its own; asked in the transaction that makes the operation. */
const onVolume = ({ rows }: UsecaseParts, volumeId: string) => ({
  subject: volumeId,
  mayBegin: async (): Promise<void> => {
    const migrationId = await rows.jobs.usingVolume(volumeId);
    if (migrationId === null) return;
    throw new AppError('VOLUME_IN_USE', `Migration ${migrationId} uses volume ${volumeId}.`, {
      migration_id: migrationId,
    });
  },
});
