import { AppError } from '../../../../shared/errors.ts';
import type { CopyMethod } from '../../../domain/copy-method.ts';
import type { SnapshotDisk } from '../../../domain/vm.ts';
import type { VmDisk, VmSpec } from '../../../domain/vm-spec.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { SnapshotLedger } from '../../../ports/snapshot-ledger.ts';
import type { FrozenVm, SourceSnapshots } from '../../../ports/source-snapshots.ts';
import type { Vcenter } from '../../../ports/vcenter.ts';
import { faultNameOf } from '../soap/fault.ts';

/** One vCenter, as far as its snapshots go. */
export type SnapshotPlace = {
  readonly siteId: string;
  readonly vcenter: Vcenter;
  readonly ledger: SnapshotLedger;
  /** As the inventory shows it. */
  readonly specOf: (vmId: string, options: Signalled) => Promise<VmSpec>;
  /** How the VM would be read now. Throws where it cannot be read at all. */
  readonly method: (spec: VmSpec, options: Signalled) => Promise<CopyMethod>;
};

/** What vCenter says when the guest, and nothing else, stands in the way of a quiet moment. */
const quiesceFaults: ReadonlySet<string> = new Set([
  'ApplicationQuiesceFault',
  'FilesystemQuiesceFault',
  'QuiesceDatastoreIOForHAFailed',
  'ToolsUnavailable',
]);

export function createSourceSnapshots(placeOf: (siteId: string) => SnapshotPlace): SourceSnapshots {
  return {
    method: async ({ sourceId, vmId }, options) => {
      const place = placeOf(sourceId);
      return await place.method(await place.specOf(vmId, options), options);
    },
    freeze: async ({ vm: { sourceId, vmId }, id, quiesce }, options) => {
      const place = placeOf(sourceId);
      const { vcenter } = place;
      const spec = await vcenter.vm((await place.specOf(vmId, options)).moRef, options);
      refuseUnfreezable(spec);
      const reader = readerOf(await place.method(spec, options));
      await trackChanges(place, spec, options);
      const { moRef } = await takeQuietly(place, { vm: spec.moRef, id, quiesce }, options);
      const disks = await vcenter.snapshotDisks(moRef, options);
      return frozenVm({ siteId: sourceId, spec, snapshotMoRef: moRef, disks, reader });
    },
    changedAreas: async ({ vm, snapshotMoRef: snapshot, ...query }, options) => {
      const { vcenter, specOf } = placeOf(vm.sourceId);
      const { moRef } = await specOf(vm.vmId, options);
      return await vcenter.changedAreas({ ...query, vm: moRef, snapshot }, options);
    },
    thaw: async ({ vm: { sourceId }, id }, options) => {
      const { vcenter, ledger } = placeOf(sourceId);
      const known = await ledger.find(id);
      if (known === null || known.state === 'removed') return;
      try {
        await vcenter.removeSnapshot({ vm: known.vm, id, ledger }, options);
      } catch (error) {
        // The VM was deleted, and its snapshots with it.
        if (!(error instanceof AppError) || error.code !== 'VCENTER_OBJECT_GONE') throw error;
        await ledger.record({ ...known, state: 'removed' });
      }
    },
  };
}

/** Writes to these pass the hypervisor by: a snapshot would not hold them still. */
function refuseUnfreezable({ name, disks }: VmSpec): void {
  for (const { label, mode, rdm } of disks) {
    const independent = mode?.startsWith('independent') === true;
    if (!independent && rdm !== 'physical') continue;
    const kind = rdm === 'physical' ? 'is a raw device in physical mode' : `is independent (${String(mode)})`;
    throw new AppError('SOURCE_UNREADABLE', `${label} of ${name} ${kind}: no snapshot can freeze it.`, { disk: label });
  }
}

function readerOf({ mover, because }: CopyMethod): SnapshotDisk['reader'] {
  if (mover === 'lab' || mover === 'vddk') return mover;
  throw new AppError('VM_STATE', `The VM can no longer be read from a snapshot: ${because}`, { mover });
}

/** Where it is refused the copy goes on without: then every run copies everything, and says why. */
async function trackChanges({ vcenter }: SnapshotPlace, spec: VmSpec, options: Signalled): Promise<void> {
  if (spec.changeTracking === true) return;
  try {
    await vcenter.enableChangeTracking(spec.moRef, options);
  } catch (error) {
    const refusals = ['VCENTER_REFUSED', 'VCENTER_PRIVILEGE', 'VM_STATE'];
    if (!(error instanceof AppError) || !refusals.includes(error.code)) throw error;
  }
}

type Take = { readonly vm: string; readonly id: string; readonly quiesce: boolean };

async function takeQuietly({ vcenter, ledger }: SnapshotPlace, take: Take, options: Signalled) {
  try {
    return await vcenter.takeSnapshot(
      { ...take, description: 'Read by a migration; removed at its end.', ledger },
      options,
    );
  } catch (error) {
    if (!take.quiesce || !quiesceFaults.has(faultNameOf(error) ?? '')) throw error;
    const reason = error instanceof AppError ? error.reason : undefined;
    throw new AppError('GUEST_NOT_QUIESCED', reason, { vm: take.vm }, { cause: error });
  }
}

function frozenVm(found: {
  readonly siteId: string;
  readonly spec: VmSpec;
  readonly snapshotMoRef: string;
  readonly disks: readonly VmDisk[];
  readonly reader: SnapshotDisk['reader'];
}): FrozenVm {
  const { siteId, spec, snapshotMoRef, reader } = found;
  return {
    snapshotMoRef,
    disks: found.disks.map(({ key, capacityBytes, vmdkPath, changeId }) => ({
      key,
      capacityBytes,
      changeId,
      image: {
        format: 'snapshot',
        path: vmdkPath ?? '',
        siteId,
        vmMoRef: spec.moRef,
        snapshotMoRef,
        diskKey: key,
        capacityBytes,
        reader,
      },
    })),
  };
}
