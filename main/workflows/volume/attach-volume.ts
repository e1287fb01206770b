import { z } from 'zod';
import { actOnce } from '../../engine/act-once.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import type { Tx } from '../../ports/store.ts';
import { adoptWhereItIs, type ProvedPlace } from './adopt.ts';
import { attachInCloud } from './attach-in-cloud.ts';
import { failsAlone } from './fails-alone.ts';
import { type Found, lookAround } from './look-around.ts';
import { claimVolume } from './ownership.ts';
import type { VolumeParts } from './parts.ts';
import { releaseForReattach } from './release-for-reattach.ts';

const input = z.object({
  volume_id: z.uuid(),
  vm_id: z.uuid(),
  job_id: z.string().nullable(),
  disk_key: z.int().nullable(),
});
const output = z.object({
  volume_id: z.uuid(),
  /** Null on any VM but the appliance, whose devices are the only ones that can be looked at. */
  device_path: z.string().nullable(),
  mapping_id: z.uuid().nullable(),
  message: z.literal('Volume attached successfully'),
});

export type AttachRequest = z.infer<typeof input>;
export type AttachVolume = Workflow<AttachRequest, z.infer<typeof output>>;
export type Attaching = {
  readonly parts: VolumeParts;
  readonly context: RunContext;
  readonly request: AttachRequest;
};
type Attached = z.infer<typeof output>;

/**
 * Attaches one volume and, on the appliance, proves which device it became. One that is attached there already is proved
 * where it is; only what cannot be proved is detached and attached anew (rule D5).
 */
export function attachVolumeWorkflow(parts: VolumeParts): AttachVolume {
  return {
    name: 'attach-volume',
    version: 2,
    input,
    output,
    cancellable: false,
    failsAlone,
    project: parts.project('attach'),
    run: async (context, request) => {
      const leave = await parts.turnsOf(request.vm_id).enter(1, context.signal);
      try {
        return await attach({ parts, context, request });
      } finally {
        leave();
      }
    },
  };
}

async function attach(attaching: Attaching): Promise<Attached> {
  const found = await lookAround(attaching, 'look');
  if (!found.on_appliance) {
    await claim(attaching);
    const { parts, context, request } = attaching;
    // Before it can be written to there (rule P3).
    await context.write((tx) => parts.rows.volumes.raiseGeneration(tx, request.volume_id));
    await attachInCloud(attaching, 'attach');
    return await recordElsewhere(attaching);
  }
  const adopted = found.attached ? await adoptWhereItIs(attaching, found) : null;
  await claim(attaching);
  if (adopted !== null) return await record(attaching, adopted);
  if (!found.attached) return await attachAndProve(attaching, found);
  await releaseForReattach(attaching, found);
  return await attachAndProve(attaching, await lookAround(attaching, 'look-again'));
}

const claim = ({ parts, context, request }: Attaching): Promise<unknown> =>
  claimVolume(parts, context, {
    volumeId: request.volume_id,
    record: (tx, volume) =>
      parts.rows.volumes.insert(tx, {
        volumeId: volume.volume_id,
        name: volume.name,
        sizeBytes: volume.size_bytes,
        origin: 'adopted',
        jobId: request.job_id,
        diskKey: request.disk_key,
        sourceDisk: null,
        metadata: {},
      }),
  });

async function attachAndProve(attaching: Attaching, found: Found): Promise<Attached> {
  const { parts, context, request } = attaching;
  await attachInCloud(attaching, 'attach');
  const wanted = { volumeId: request.volume_id, sizeBytes: found.size_bytes };
  return await context.step('prove', {
    input: { volume_id: request.volume_id, vm_id: request.vm_id },
    output,
    handle: z.null(),
    observe: async (_begun, { signal }) => {
      const mapping = await parts.truth.prove(wanted, { signal, before: found.before });
      return {
        state: 'done',
        output: answer(request.volume_id, { mapping_id: mapping.id, device_path: mapping.device.path }),
      };
    },
    act: () => Promise.resolve(null),
    record: (tx) => recordAttached(attaching, tx),
  });
}

const answer = (volumeId: string, place: ProvedPlace): Attached => ({
  volume_id: volumeId,
  ...place,
  message: 'Volume attached successfully',
});

const record = (attaching: Attaching, place: ProvedPlace): Promise<Attached> =>
  attaching.context.step('record', {
    input: attaching.request.volume_id,
    ...actOnce(output, () => Promise.resolve(answer(attaching.request.volume_id, place))),
    record: (tx) => recordAttached(attaching, tx),
  });

async function recordAttached({ parts, request }: Attaching, tx: Tx): Promise<void> {
  await parts.rows.volumes.setStatus(tx, request.volume_id, 'attached');
  const mapping = await parts.rows.mappings.openOf(request.volume_id);
  if (request.job_id === null || request.disk_key === null || mapping === null) return;
  const disk = { jobId: request.job_id, diskKey: request.disk_key };
  await parts.rows.jobs.patchDisk(tx, disk, { devicePath: mapping.device.path, evidence: mapping.evidence });
}

const recordElsewhere = ({ parts, context, request }: Attaching): Promise<Attached> =>
  context.step('record', {
    input: request.volume_id,
    ...actOnce(output, () =>
      Promise.resolve({
        volume_id: request.volume_id,
        device_path: null,
        mapping_id: null,
        message: 'Volume attached successfully' as const,
      }),
    ),
    record: (tx) => parts.rows.volumes.setStatus(tx, request.volume_id, 'attached'),
  });
