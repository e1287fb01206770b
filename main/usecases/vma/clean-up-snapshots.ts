import { asAppError } from '../../../shared/errors.ts';
import { allSnapshots } from '../../domain/vm-spec.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { LedgerSnapshot } from '../../ports/snapshot-ledger.ts';
import type { VmaHandlers, VmaParts } from './parts.ts';

type Reply = Awaited<ReturnType<VmaHandlers['cleanUpSnapshots']>>;
type Left = Reply['left'][number];

/** Only what the ledger says is ours is removed. What is left on those VMs is named, with why. */
export const cleanUpSnapshots =
  (parts: VmaParts): VmaHandlers['cleanUpSnapshots'] =>
  async ({ body }, { signal }) => {
    const reply: Reply = { removed: [], left: [] };
    for (const { id: siteId } of await parts.rows.sites.list()) {
      const unremoved = await parts.ledgerOf(siteId).unremoved();
      const meant = 'all' in body ? unremoved : unremoved.filter(({ id }) => id === body.job_id);
      for (const snapshot of meant) {
        const because = await tryRemove(parts, { siteId, snapshot }, { signal });
        if (because === null) reply.removed.push({ id: snapshot.id, vm: snapshot.vm, name: snapshot.name });
        else reply.left.push({ vm: snapshot.vm, name: snapshot.name, snapshot: snapshot.moRef, because });
      }
      for (const vm of new Set(meant.map((one) => one.vm))) {
        reply.left.push(...(await othersOn(parts, { siteId, vm, ours: unremoved }, { signal })));
      }
    }
    return reply;
  };

type OneOfOurs = { readonly siteId: string; readonly snapshot: LedgerSnapshot };

/** Why it was left; null: it is gone. */
async function tryRemove(parts: VmaParts, { siteId, snapshot }: OneOfOurs, options: Signalled): Promise<string | null> {
  const { vm, id, moRef } = snapshot;
  if (moRef !== null && (parts.jobs.reads(moRef) || parts.hashes.reads(moRef))) return 'It is being read.';
  const ledger = parts.ledgerOf(siteId);
  try {
    await parts.vcenters.vcenter(siteId).removeSnapshot({ vm, id, ledger }, options);
    return null;
  } catch (thrown) {
    options.signal.throwIfAborted();
    const { code, message } = asAppError(thrown);
    if (code !== 'VCENTER_OBJECT_GONE') return message;
    // The VM was deleted, and its snapshots with it.
    await ledger.record({ ...snapshot, state: 'removed' });
    return null;
  }
}

type OnVm = { readonly siteId: string; readonly vm: string; readonly ours: readonly LedgerSnapshot[] };

async function othersOn(parts: VmaParts, { siteId, vm, ours }: OnVm, options: Signalled): Promise<Left[]> {
  try {
    const { snapshots } = await parts.vcenters.vcenter(siteId).vm(vm, options);
    const foreign = allSnapshots(snapshots).filter(({ moRef }) => ours.every((one) => one.moRef !== moRef));
    return foreign.map(({ moRef, name }) => ({ vm, name, snapshot: moRef, because: 'It is not one of this VMA.' }));
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (asAppError(thrown).code === 'VCENTER_OBJECT_GONE') return [];
    throw thrown;
  }
}
