import type { CopyMethod } from '../domain/copy-method.ts';
import type { Extent } from '../domain/extent.ts';
import type { SourceImage, SourceVm } from '../domain/vm.ts';
import type { Signalled } from './signalled.ts';

export type VmRef = Pick<SourceVm, 'sourceKind' | 'sourceId' | 'vmId'>;

export type FrozenDisk = {
  readonly key: number;
  readonly capacityBytes: number;
  readonly image: SourceImage;
  /** From the snapshot's own backing (rule J6); null without change tracking. */
  readonly changeId: string | null;
};

export type FrozenVm = { readonly snapshotMoRef: string; readonly disks: readonly FrozenDisk[] };

/** Snapshots that a copy works from; only ours are ever touched. */
export type SourceSnapshots = {
  /** How the VM would be read now. */
  method(vm: VmRef, options: Signalled): Promise<CopyMethod>;
  /** Switches change tracking on where it is off and can be had, then takes the snapshot `id`. Repeatable: the same id finds the same snapshot. */
  freeze(
    request: { readonly vm: VmRef; readonly id: string; readonly quiesce: boolean },
    options: Signalled,
  ): Promise<FrozenVm>;
  /** What changed between `since` and the snapshot; `*`: what is in use. Every doubt is CHANGES_UNKNOWN (rule J6). */
  changedAreas(
    request: {
      readonly vm: VmRef;
      readonly snapshotMoRef: string;
      readonly diskKey: number;
      readonly capacityBytes: number;
      readonly since: string;
      readonly until: string;
    },
    options: Signalled,
  ): Promise<readonly Extent[]>;
  /** Removes the snapshot `id` if it is there, and returns when the disks are consolidated. */
  thaw(request: { readonly vm: VmRef; readonly id: string }, options: Signalled): Promise<void>;
};
