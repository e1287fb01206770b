import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { detachInCloud } from './detach-in-cloud.ts';
import { refuseWhileInUse } from './device-use.ts';
import { failsAlone } from './fails-alone.ts';
import { refuseForeign } from './ownership.ts';
import type { VolumeParts } from './parts.ts';

const input = z.object({
  volume_id: z.uuid(),
  /** Null: from whichever VM it is on. */
  vm_id: z.uuid().nullable(),
  job_id: z.string().nullable(),
});
const output = z.object({
  volume_id: z.uuid(),
  vm_id: z.uuid().nullable(),
  device_path: z.string().nullable(),
  message: z.enum(['Volume detached successfully', 'Volume was not attached']),
});

type Request = z.infer<typeof input>;
type Detached = z.infer<typeof output>;
export type DetachVolume = Workflow<Request, Detached>;
type Detaching = { readonly parts: VolumeParts; readonly context: RunContext; readonly request: Request };

/** Releases one volume from its VM; on the appliance its export must be closed already. */
export function detachVolumeWorkflow(parts: VolumeParts): DetachVolume {
  return {
    name: 'detach-volume',
    version: 2,
    input,
    output,
    cancellable: false,
    failsAlone,
    project: parts.project('detach'),
    run: async (context, request) => {
      const detaching = { parts, context, request };
      const vmId = await placeOf(detaching);
      return await (vmId === null ? endMapping(detaching, null) : inTurn(detaching, vmId));
    },
  };
}

/** In the order of arrival with whatever else is done to that VM: a disk that goes must not be missed by an attach (rule D2). */
async function inTurn(detaching: Detaching, vmId: string): Promise<Detached> {
  const { parts, context, request } = detaching;
  const leave = await parts.turnsOf(vmId).enter(1, context.signal);
  try {
    const mayDetach = (options: Signalled): Promise<void> =>
      vmId === parts.site().omaVmId ? refuseWhileInUse(parts, request.volume_id, options) : Promise.resolve();
    await detachInCloud(parts, context, { volumeId: request.volume_id, vmId, mayDetach });
    return await endMapping(detaching, vmId);
  } finally {
    leave();
    parts.onReleased();
  }
}

const placeOf = ({ parts, context, request }: Detaching): Promise<string | null> =>
  context.step('look', {
    input: request.volume_id,
    ...actOnce(z.uuid().nullable(), async (options) => {
      const volume = await parts.cloud.volume(request.volume_id, options);
      if (volume === null)
        throw new AppError('VOLUME_VANISHED', `CloudStack no longer lists volume ${request.volume_id}.`);
      refuseForeign(volume, parts.installId);
      return request.vm_id ?? volume.vmId;
    }),
  });

const endMapping = ({ parts, context, request }: Detaching, vmId: string | null): Promise<Detached> =>
  context.step('end-mapping', {
    input: request.volume_id,
    output,
    handle: z.null(),
    observe: async (_begun, { signal }) => {
      const mapping = await parts.truth.current(request.volume_id, { signal });
      if (mapping !== null) await parts.truth.gone(mapping, { signal });
      return {
        state: 'done',
        output: {
          volume_id: request.volume_id,
          vm_id: vmId,
          device_path: mapping?.device.path ?? null,
          message: vmId === null ? 'Volume was not attached' : 'Volume detached successfully',
        },
      };
    },
    act: () => Promise.resolve(null),
    record: async (tx) => {
      const mapping = await parts.rows.mappings.openOf(request.volume_id);
      if (mapping !== null) await parts.rows.mappings.end(tx, mapping.id, 'detached');
      await parts.rows.volumes.setStatus(tx, request.volume_id, 'detached');
    },
  });
