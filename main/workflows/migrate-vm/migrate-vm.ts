import { z } from 'zod';
import { sourceDiskId } from '../../domain/vm.ts';
import { volumeGib } from '../../domain/volume-size.ts';
import { settleAll } from '../../engine/settle.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import type { CopyDisk } from './copy-disk.ts';
import { chooseMethod, type Frozen, freeze, thaw } from './freeze.ts';
import type { MigrateParts } from './parts.ts';
import { findReusable, useMapping } from './reuse.ts';
import { sourceDisk } from './source-disk.ts';
import { takeBack } from './take-back.ts';
import { createName, volumeName } from './volume-name.ts';

const input = z.object({
  job_id: z.string(),
  vm_name: z.string(),
  source: z.object({ sourceKind: z.enum(['images', 'vsphere']), sourceId: z.string(), vmId: z.string() }),
  disks: z.array(sourceDisk).min(1),
  headroom_gib: z.int(),
  segment_bytes: z.int(),
  /** Whether a volume of an earlier migration of the same disk is used again. */
  reuse: z.boolean(),
  /** Whether the volumes stay on the appliance at the end. */
  keep_attached: z.boolean(),
  /** Everything is copied, whatever is known of the replicas. */
  full: z.boolean(),
  /** Everything is read for the proof. */
  audit: z.boolean(),
  /** No snapshot is taken: the VM is off, and its disks are read as they lie (rule M7). */
  cold: z.boolean(),
  quiesce: z.boolean(),
  sample_percent: z.int(),
});
const proof = z.enum(['full', 'delta']);
const output = z.object({ proof });
const gib = 1024 ** 3;

export type MigrateRequest = z.infer<typeof input>;
export type MigrateVm = Workflow<MigrateRequest, z.infer<typeof output>>;
export type Migrating = {
  readonly parts: MigrateParts;
  readonly context: RunContext;
  readonly request: MigrateRequest;
};
type Disk = MigrateRequest['disks'][number];
type Target = {
  readonly disk: Disk;
  readonly volumeId: string;
  readonly volumeBytes: number;
  readonly reused: boolean;
};

/** The whole path of one VM: slots, volumes, attach, snapshot, copy with proof, detach. */
export function migrateVmWorkflow(parts: MigrateParts, copyDisk: CopyDisk): MigrateVm {
  return {
    name: 'migrate-vm',
    version: 3,
    input,
    output,
    cancellable: true,
    run: async (context, request) => {
      const migrating = { parts, context, request };
      const method = await chooseMethod(migrating);
      await parts.slots.reserve(context, request.job_id, request.disks.length);
      const targets = await onEveryDisk(migrating, request.disks, (disk) => provision(migrating, disk));
      await onEveryDisk(migrating, targets, (target) => attach(migrating, target));
      const frozen = method.snapshot ? await freeze(migrating) : null;
      const because = request.full ? 'It was asked for.' : null;
      const proofs = await onEveryDisk(migrating, targets, (target) =>
        copy(migrating, { ...target, because, frozen }, copyDisk),
      );
      if (frozen !== null) await takeSnapshotAway(migrating);
      if (!request.keep_attached) await onEveryDisk(migrating, targets, (target) => release(migrating, target));
      const result = await finish(migrating, proofs.includes('delta') ? 'delta' : 'full');
      parts.slots.release(request.job_id);
      return result;
    },
    undo: (context, request) => takeBack({ parts, context, request }),
    project: (tx, run) => parts.rows.jobs.follow(tx, input.parse(run.input).job_id, run),
  };
}

const onEveryDisk = <In, Out>(
  migrating: Migrating,
  disks: readonly In[],
  work: (disk: In) => Promise<Out>,
): Promise<Out[]> => settleAll(disks.map(work), () => migrating.context.cancelChildren());

const enter = (
  { parts, context, request }: Migrating,
  disk: Disk,
  phase: 'provision' | 'attach' | 'finalize',
): Promise<void> =>
  context.write((tx) => parts.rows.jobs.enterPhase(tx, { jobId: request.job_id, diskKey: disk.key }, phase));

async function provision(migrating: Migrating, disk: Disk): Promise<Target> {
  const { parts, context, request } = migrating;
  await enter(migrating, disk, 'provision');
  const reused = request.reuse ? await findReusable(migrating, disk) : null;
  if (reused !== null) return { disk, ...reused, reused: true };
  const site = parts.site();
  const made = await context.child(createName(disk), parts.operations.create, {
    name: volumeName(migrating, disk),
    size_bytes: volumeGib(disk.capacityBytes, request.headroom_gib) * gib,
    disk_offering_id: site.diskOfferingId,
    zone_id: site.zoneId,
    job_id: request.job_id,
    disk_key: disk.key,
    source_disk: sourceDiskId(request.source, disk.key),
    metadata: {},
  });
  return { disk, volumeId: made.volume_id, volumeBytes: made.size_bytes, reused: false };
}

async function attach(migrating: Migrating, { disk, volumeId, reused }: Target): Promise<void> {
  const { parts, context, request } = migrating;
  await enter(migrating, disk, 'attach');
  if (reused && (await useMapping(migrating, { disk, volumeId }))) return;
  await context.child(`attach-volume:${String(disk.key)}`, parts.operations.attach, {
    volume_id: volumeId,
    vm_id: parts.site().omaVmId,
    job_id: request.job_id,
    disk_key: disk.key,
  });
}

type Copied = Target & { readonly because: string | null; readonly frozen: Frozen | null };

async function copy(
  { context, request }: Migrating,
  { disk, frozen, because, ...target }: Copied,
  copyDisk: CopyDisk,
): Promise<z.infer<typeof proof>> {
  const ofSnapshot = frozen?.disks.find(({ key }) => key === disk.key) ?? null;
  const done = await context.child(`copy-disk:${String(disk.key)}`, copyDisk, {
    job_id: request.job_id,
    source: request.source,
    disk: ofSnapshot === null ? disk : { ...disk, image: ofSnapshot.image },
    volume_id: target.volumeId,
    volume_bytes: target.volumeBytes,
    segment_bytes: request.segment_bytes,
    snapshot:
      frozen === null || ofSnapshot === null ? null : { mo_ref: frozen.snapshotMoRef, change_id: ofSnapshot.changeId },
    full_because: because,
    again: false,
    audit: request.audit,
    sample_percent: request.sample_percent,
  });
  return done.proof;
}

/** What was proved stays proved; of a snapshot that somebody renamed a person has to know. */
async function takeSnapshotAway(migrating: Migrating): Promise<void> {
  const { parts, context, request } = migrating;
  const left = await thaw(migrating);
  if (left !== null) await context.write((tx) => parts.rows.jobs.leaveBehind(tx, request.job_id, [left]));
}

async function release(migrating: Migrating, { disk, volumeId }: Target): Promise<void> {
  const { parts, context, request } = migrating;
  await enter(migrating, disk, 'finalize');
  await context.child(`detach-volume:${String(disk.key)}`, parts.operations.detach, {
    volume_id: volumeId,
    vm_id: parts.site().omaVmId,
    job_id: request.job_id,
  });
}

const finish = ({ parts, context, request }: Migrating, kind: z.infer<typeof proof>): Promise<z.infer<typeof output>> =>
  context.step('finish', {
    input: request.job_id,
    output,
    handle: z.null(),
    observe: () => Promise.resolve({ state: 'done', output: { proof: kind } }),
    act: () => Promise.resolve(null),
    record: async (tx) => {
      await parts.rows.jobs.prove(tx, request.job_id, kind);
      await parts.rows.jobs.setSlots(tx, request.job_id, 0);
      parts.progress.clear(request.job_id);
    },
  });
