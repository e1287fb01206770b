import { AppError } from '../../../shared/errors.ts';
import { type SourceVm, sourceDiskId } from '../../domain/vm.ts';
import type { ScheduleRow, ScheduleRows } from '../../ports/schedules.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { Vcenters, Vmas } from '../../ports/sites.ts';
import { type CreateParts, createMigration } from '../create-migration.ts';
import type { UsecaseParts } from '../parts.ts';
import type { DueOccurrence } from './occurrences.ts';

export type StartParts = CreateParts & {
  readonly vcenters: Pick<Vcenters, 'state'>;
  readonly vmas: Pick<Vmas, 'state'>;
  readonly rows: CreateParts['rows'] & Pick<UsecaseParts['rows'], 'volumes'> & { readonly schedules: ScheduleRows };
};

/**
 * The usecase that a person's request calls, and no way beside it. The occurrence is settled in the transaction that makes
 * the migration, and the id of the migration is derived from both: whatever dies in between, nothing starts twice.
 */
export async function startOccurrence(
  parts: StartParts,
  { row, due }: { readonly row: ScheduleRow; readonly due: DueOccurrence },
  { signal }: Signalled,
): Promise<void> {
  const { rows, clock, ids } = parts;
  await requireReplica(parts, await requireListed(parts, row, { signal }));
  const { occurrence, missedSince } = due;
  const settle: CreateParts['along'] = (tx, migrationId) =>
    rows.schedules.settle(tx, {
      ...{ scheduleId: row.id, occurrence, missedSince, migrationId },
      ...{ code: null, reason: null, at: clock.now() },
    });
  await createMigration({ ...parts, along: settle })(
    { params: {}, query: {}, body: bodyOf(row) },
    { signal, actor: `schedule ${row.id}`, requestId: ids.derive(row.id, occurrence) },
  );
}

const bodyOf = ({ vmId, sourceKind, sourceId, keepAttached }: ScheduleRow) => ({
  vm_id: vmId,
  ...(sourceKind === 'images' ? {} : { site_id: sourceId }),
  keep_attached: keepAttached,
  full: false,
  audit: false,
  cold: false,
  quiesce: true,
});

/** The VM of its own source: one of the same UUID elsewhere, as after a restore, is another VM. */
async function requireListed(
  { sources, vcenters, vmas, rows }: StartParts,
  row: ScheduleRow,
  options: Signalled,
): Promise<SourceVm> {
  const { sourceKind, sourceId, vmId } = row;
  const vm = (await sources.list(options)).find(
    (one) => one.vmId === vmId && one.sourceId === sourceId && one.sourceKind === sourceKind,
  );
  if (vm !== undefined) return vm;
  const site = (await rows.sites.list()).find(({ id }) => id === sourceId);
  const isSeen = site === undefined || (site.kind === 'vma' ? vmas : vcenters).state(sourceId).seenAt !== null;
  if (!isSeen) {
    const code = site.kind === 'vma' ? 'VMA_UNREACHABLE' : 'VCENTER_UNREACHABLE';
    throw new AppError(code, 'Its VMs have not been listed yet.', { site_id: sourceId });
  }
  throw new AppError('NOT_FOUND', `Its source no longer lists the VM ${row.vmName} (${vmId}).`);
}

/** What has become a live VM, or was booted, is not written to by the clock. */
async function requireReplica({ rows }: StartParts, vm: SourceVm): Promise<void> {
  for (const disk of vm.disks) {
    for (const volume of await rows.volumes.ofSourceDisk(sourceDiskId(vm, disk.key))) {
      const what = `Volume ${volume.name} of ${disk.label}`;
      if (volume.role === 'live') throw new AppError('REPLICA_LIVE', `${what} is the disk of the live VM.`);
      if (volume.role !== 'replica') throw new AppError('REPLICA_DIVERGED', `${what} was booted (${volume.role}).`);
    }
  }
}
