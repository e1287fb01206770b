import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { UsecaseParts } from './parts.ts';

const mib = 1024 ** 2;

/** Makes the job, its disks, the run and the audit row in one transaction; from then on it goes on by itself. */
export const createMigration =
  (parts: UsecaseParts): Handlers['createMigration'] =>
  async ({ body }, { signal, actor }) => {
    const { rows, engine, clock } = parts;
    parts.site();
    const vm = (await parts.images.list({ signal })).find((candidate) => candidate.vmId === body.vm_id);
    if (vm === undefined) throw new AppError('NOT_FOUND', `No source lists a VM ${body.vm_id}.`);
    if (vm.disks.length === 0) throw new AppError('INVALID_REQUEST', `${vm.name} has no disks.`);
    const id = parts.ids.next();
    const settings = rows.settings.get();
    const request = {
      job_id: id,
      vm_name: vm.name,
      disks: vm.disks.map((disk) => ({ ...disk })),
      headroom_gib: settings.headroom_gib,
      segment_bytes: settings.segment_mib * mib,
    };
    await engine.start(parts.migrateVm, request, {
      id,
      along: async (tx) => {
        const active = await rows.jobs.activeOf(tx, vm);
        if (active !== null)
          throw new AppError('VM_ACTIVE', `Migration ${active} of ${vm.name} is not finished.`, {
            migration_id: active,
          });
        await rows.jobs.insert(tx, { id, vm, createdAt: clock.now() });
        await rows.audit.append(tx, { actor, act: 'migration.create', subject: id, details: describe(vm) });
      },
    });
    const migration = await rows.jobs.get(id);
    if (migration === null) throw new AppError('INTERNAL', `Migration ${id} was not kept.`);
    return migration;
  };

const describe = (vm: SourceVm): unknown => ({ vm_id: vm.vmId, vm_name: vm.name, disks: vm.disks.length });
