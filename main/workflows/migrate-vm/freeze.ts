import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import type { CopyMethod } from '../../domain/copy-method.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { Migrating } from './migrate-vm.ts';
import { imageOf } from './source-disk.ts';

const method = z.object({
  mover: z.enum(['file', 'folder', 'vddk', 'lab', 'migratekit']),
  because: z.string(),
  rejected: z.array(z.object({ mover: z.enum(['file', 'folder', 'vddk', 'lab', 'migratekit']), because: z.string() })),
  snapshot: z.boolean(),
});

const asItLies: z.infer<typeof method> = {
  mover: 'folder',
  because: 'It was asked for without a snapshot.',
  rejected: [],
  snapshot: false,
};

/** How this VM is read: decided once, shown with every disk. */
export const chooseMethod = ({ parts, context, request }: Migrating): Promise<CopyMethod> =>
  context.step('choose-method', {
    input: { source: request.source, cold: request.cold },
    ...actOnce(method, async (options) => {
      if (request.cold && request.source.sourceKind === 'vsphere') return asItLies;
      const chosen = await parts.snapshots.method(request.source, options);
      return { ...chosen, rejected: [...chosen.rejected] };
    }),
    record: async (tx, { mover, because }) => {
      for (const { key } of request.disks) {
        const patch = { mover, moverBecause: because };
        await parts.rows.jobs.patchDisk(tx, { jobId: request.job_id, diskKey: key }, patch);
      }
    },
  });

const frozenVm = z.object({
  snapshotMoRef: z.string(),
  disks: z.array(z.object({ key: z.int(), capacityBytes: z.int(), image: imageOf, changeId: z.string().nullable() })),
  /** Why the guest was not quiet when the snapshot was taken, though it was asked to be. */
  notQuiet: z.string().nullable(),
});
export type Frozen = z.infer<typeof frozenVm>;

/** One snapshot of all disks, under the id of this run: after a crash the same one is found again (rule J6). */
export const freeze = (migrating: Migrating): Promise<Frozen> => {
  const { parts, context, request } = migrating;
  return context.step('freeze', {
    input: request.source,
    ...actOnce(frozenVm, async (options) => {
      const { source: vm, job_id: id, quiesce } = request;
      const take = async (quiet: boolean, notQuiet: string | null): Promise<Frozen> => {
        const frozen = await parts.snapshots.freeze({ vm, id, quiesce: quiet }, options);
        requireSameDisks(request.disks, frozen.disks);
        return { ...frozen, disks: frozen.disks.map((disk) => ({ ...disk })), notQuiet };
      };
      try {
        return await take(quiesce, null);
      } catch (error) {
        if (!quiesce || !(error instanceof AppError) || error.code !== 'GUEST_NOT_QUIESCED') throw error;
        return await take(false, error.reason ?? error.message);
      }
    }),
    record: async (tx, { notQuiet }) => {
      if (notQuiet === null) return;
      await parts.rows.events.append(tx, {
        type: 'log.line',
        level: 'warn',
        job_id: request.job_id,
        message: 'The guest could not be quiesced; its disks are copied as after a power cut',
        fields: { because: notQuiet },
      });
    },
  });
};

type Disks = readonly { readonly key: number; readonly capacityBytes: number }[];

/** The volumes were made for what was listed: a disk that came, went or grew since is another migration. */
function requireSameDisks(listed: Disks, frozen: Disks): void {
  const describe = (disks: Disks): string =>
    disks
      .map(({ key, capacityBytes }) => `${String(key)} of ${String(capacityBytes)} bytes`)
      .sort()
      .join(', ');
  if (describe(listed) === describe(frozen)) return;
  throw new AppError('SOURCE_CHANGED', `The VM had the disks ${describe(listed)} and has now ${describe(frozen)}.`);
}

const left = z.object({ left: z.string().nullable() });

/** Takes our snapshot away, if there is one. Answers what a person has to know of one that is not certainly ours. */
export const thaw = async ({ parts, context, request }: Migrating): Promise<string | null> => {
  const done = await context.step('thaw', {
    input: request.source,
    ...actOnce(left, async (options) => {
      try {
        await parts.snapshots.thaw({ vm: request.source, id: request.job_id }, options);
        return { left: null };
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'SNAPSHOT_NOT_OURS') throw error;
        return { left: `A snapshot in vCenter was left alone: ${error.reason ?? error.message}` };
      }
    }),
  });
  return done.left;
};
