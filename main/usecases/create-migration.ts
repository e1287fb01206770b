import type { Handlers } from '../../shared/contract/calls.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Tx } from '../ports/store.ts';
import { requireVm } from './list-vms.ts';
import type { UsecaseParts } from './parts.ts';

const mib = 1024 ** 2;

export type CreateParts = Pick<UsecaseParts, 'engine' | 'migrateVm' | 'sources' | 'site' | 'clock' | 'ids'> & {
  readonly rows: Pick<UsecaseParts['rows'], 'jobs' | 'settings' | 'sites' | 'audit'>;
  /** What else is to be written with the migration, or not at all. */
  readonly along?: (tx: Tx, migrationId: string) => Promise<void>;
};

/** Makes the job, its disks, the run and the audit row in one transaction; from then on it goes on by itself. */
export const createMigration =
  (parts: CreateParts): Handlers['createMigration'] =>
  async ({ body }, { signal, actor, requestId }) => {
    const { rows, engine, clock } = parts;
    parts.site();
    const vm = await requireVm(parts, body.vm_id, { siteId: body.site_id, signal });
    if (vm.disks.length === 0) throw new AppError('INVALID_REQUEST', `${vm.name} has no disks.`);
    const id = requestId ?? parts.ids.next();
    const settings = rows.settings.get();
    const request = {
      job_id: id,
      vm_name: vm.name,
      disks: vm.disks.map((disk) => ({ ...disk })),
      headroom_gib: settings.headroom_gib,
      segment_bytes: settings.segment_mib * mib,
      source: { sourceKind: vm.sourceKind, sourceId: vm.sourceId, vmId: vm.vmId },
      reuse: settings.reuse_volumes,
      keep_attached: body.keep_attached,
      full: body.full,
      audit: body.audit,
      cold: body.cold,
      quiesce: body.quiesce,
      sample_percent: settings.sample_percent,
    };
    const kept: { migration?: Migration | null } = {};
    await engine.start(parts.migrateVm, request, {
      id,
      // The answer is the migration as it was made: pending, whatever became of it since.
      made: async () => {
        kept.migration = await rows.jobs.get(id);
      },
      along: async (tx) => {
        const active = await rows.jobs.activeOf(tx, vm);
        if (active !== null)
          throw new AppError('VM_ACTIVE', `Migration ${active} of ${vm.name} is not finished.`, {
            migration_id: active,
          });
        await rows.jobs.insert(tx, { id, vm, createdAt: clock.now() });
        await rows.audit.append(tx, { actor, act: 'migration.create', subject: id, details: describe(vm) });
        await parts.along?.(tx, id);
      },
    });
    if (kept.migration === undefined || kept.migration === null)
      throw new AppError('INTERNAL', `Migration ${id} was not kept.`);
    return kept.migration;
  };

const describe = (vm: SourceVm): unknown => ({ vm_id: vm.vmId, vm_name: vm.name, disks: vm.disks.length });
