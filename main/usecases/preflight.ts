import type { Handlers } from '../../shared/contract/calls.ts';
import { type AppError, asAppError, toErrorBody } from '../../shared/errors.ts';
import type { SourceVm } from '../domain/vm.ts';
import type { Signalled } from '../ports/signalled.ts';
import { preflightChecks } from '../preflight/all.ts';
import type { Fact, Facts } from '../preflight/facts.ts';
import { requireVm } from './list-vms.ts';
import type { UsecaseParts } from './parts.ts';

export const getPreflight =
  (parts: UsecaseParts): Handlers['getPreflight'] =>
  async ({ query }, { signal }) => {
    const facts = await collect(parts, await requireVm(parts, query.vm_id, { signal }), { signal });
    const checks = preflightChecks.map(({ id, title, judge }) => {
      const verdict = judge(facts);
      const error = verdict.outcome === 'passed' ? null : toErrorBody(verdict.error);
      return { id, title, outcome: verdict.outcome, found: verdict.found, error };
    });
    return { vm_id: query.vm_id, ready: checks.every(({ outcome }) => outcome === 'passed'), checks };
  };

async function collect(parts: UsecaseParts, vm: SourceVm, options: Signalled): Promise<Facts> {
  const settings = parts.rows.settings.get();
  const establish = async <T>(ask: () => Promise<T>): Promise<Fact<T>> => {
    try {
      return { known: true, value: await ask() };
    } catch (thrown) {
      options.signal.throwIfAborted();
      return { known: false, error: asAppError(thrown) };
    }
  };
  const unreadable: { label: string; error: AppError }[] = [];
  const method = await establish(() => parts.snapshots.method(vm, options));
  for (const disk of vm.disks) {
    // What a snapshot freezes need not stand still now.
    const state =
      method.known && !method.value.snapshot ? await establish(() => parts.sources.state(disk, options)) : method;
    if (!state.known) unreadable.push({ label: disk.label, error: state.error });
  }
  const [unfinished] = await parts.rows.jobs.list({ vmId: vm.vmId, limit: 1 });
  return {
    vm,
    unreadable,
    unfinishedMigration: unfinished === undefined || unfinished.completed_at !== null ? null : unfinished.id,
    appliance: await establish(() => parts.cloud.vm(parts.site().omaVmId, options)),
    offering: await establish(async () => {
      const offerings = await parts.cloud.diskOfferings(options);
      return offerings.find(({ id }) => id === parts.site().diskOfferingId) ?? null;
    }),
    limits: await establish(() => parts.cloud.limits(options)),
    headroomGib: settings.headroom_gib,
    slotsTotal: settings.attach_slots,
    host: await establish(async () => ({ devices: (await parts.host.snapshot(options)).devices.length })),
    stalled: parts.engine.stalled(),
  };
}
