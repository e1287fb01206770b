import { AppError } from '../../shared/errors.ts';
import type { CopyMethod, MoverName } from './copy-method.ts';
import type { VmDisk, VmPowerState } from './vm-spec.ts';

/** What a machine has to read disks with, and why so. */
export type MoverPresence = {
  readonly name: Exclude<MoverName, 'file'>;
  readonly available: boolean;
  readonly because: string;
};

export type DiskFacts = Pick<VmDisk, 'label' | 'rdm' | 'mode' | 'sharing' | 'encrypted' | 'backing'> & {
  /** As vCenter writes it: VMFS, NFS, NFS41, vsan, VVOL, ...; null: it does not say. */
  readonly datastoreType: string | null;
};

export type CopyFacts = {
  readonly powerState: VmPowerState | null;
  readonly snapshotCount: number;
  readonly disks: readonly DiskFacts[];
  /** The vCenter is the demo environment's. */
  readonly isLab: boolean;
  readonly movers: readonly MoverPresence[];
};

/** A reason not to use a mover. */
type Objection = {
  readonly because: string;
  /** The VM can be brought into another state. */
  readonly passing?: boolean;
};

type Candidate = {
  readonly mover: MoverPresence['name'];
  readonly snapshot: boolean;
  readonly advantage: string;
  /** What speaks against it for this VM; the first is the one that is told. */
  objections(facts: CopyFacts): readonly Objection[];
};

/** Best first. */
const candidates: readonly Candidate[] = [
  {
    mover: 'vddk',
    snapshot: true,
    advantage: 'A snapshot is read with VMware’s disk library: the VM may run, and holes are left out.',
    objections: ({ disks }) => disks.flatMap(unfreezable),
  },
  {
    mover: 'lab',
    snapshot: true,
    advantage: 'This is the demo environment, which serves its snapshots itself: the VM may run.',
    objections: ({ isLab, disks }) => [
      ...(isLab ? [] : [{ because: 'Only the vCenter of the demo environment serves its snapshots that way.' }]),
      ...disks.flatMap(unfreezable),
    ],
  },
  {
    mover: 'folder',
    snapshot: false,
    advantage: 'The VM is off, without snapshots, and its disks are flat files: they are read as files over HTTPS.',
    objections: ({ powerState, snapshotCount, disks }) => [
      ...disks.flatMap(fileless),
      ...(powerState === 'off'
        ? []
        : [{ because: `${powerIs(powerState)} Files are read only while it is off.`, passing: true }]),
      ...(snapshotCount === 0
        ? []
        : [{ because: `${snapshotsAre(snapshotCount)} Its files are not the whole disks.`, passing: true }]),
    ],
  },
  {
    mover: 'migratekit',
    snapshot: true,
    advantage: '',
    // It writes before the device that the export opened can be proved (rule D4).
    objections: () => [
      { because: 'It writes as soon as it has connected, before the device behind the export is proved.' },
    ],
  },
];

/** Which program reads the disks of a VM in a vCenter, and what speaks against the others. */
export function copyMethod(facts: CopyFacts): CopyMethod {
  const verdicts = candidates.map((candidate) => ({ candidate, objection: firstObjection(candidate, facts) }));
  const rejected = verdicts.flatMap(({ candidate: { mover }, objection }) =>
    objection === null ? [] : [{ mover, because: objection.because }],
  );
  const chosen = verdicts.find(({ objection }) => objection === null)?.candidate;
  if (chosen !== undefined) {
    const { mover, snapshot, advantage } = chosen;
    return { mover, snapshot, because: advantage, rejected };
  }
  const code = verdicts.some(({ objection }) => objection?.passing) ? 'VM_STATE' : 'SOURCE_UNREADABLE';
  const reasons = rejected.map(({ mover, because }) => `${mover}: ${because}`).join(' ');
  throw new AppError(code, `Nothing here can read this VM. ${reasons}`, { rejected });
}

/** Image files need no choice. */
export const imageCopyMethod: CopyMethod = {
  mover: 'file',
  because: 'Its disks are image files on this machine.',
  rejected: [],
  snapshot: false,
};

function firstObjection(candidate: Candidate, facts: CopyFacts): Objection | null {
  const here = facts.movers.find(({ name }) => name === candidate.mover);
  if (here?.available !== true) return { because: here?.because ?? 'It is not part of this installation.' };
  return candidate.objections(facts)[0] ?? null;
}

function unfreezable({ label, rdm, mode, sharing, encrypted }: DiskFacts): Objection[] {
  if (rdm === 'physical')
    return [{ because: `${label} is a raw device in physical mode: no snapshot holds it still.` }];
  if (mode?.startsWith('independent')) return [{ because: `${label} is independent: no snapshot holds it still.` }];
  return untouchable({ label, sharing, encrypted });
}

/** They keep objects. Of a kind that is not known here the file itself tells: it has to be as long as its disk (rule M7). */
const withoutFiles: ReadonlySet<string> = new Set(['vsan', 'vsanD', 'VVOL', 'PMEM']);

function fileless({ label, rdm, backing, datastoreType, sharing, encrypted }: DiskFacts): Objection[] {
  if (rdm !== null) return [{ because: `${label} is a raw device: it has no file.` }];
  if (datastoreType !== null && withoutFiles.has(datastoreType))
    return [{ because: `${label} lies on a datastore of the kind ${datastoreType}, whose disks are no files.` }];
  if (backing !== 'VirtualDiskFlatVer2BackingInfo')
    return [{ because: `${label} is no flat file but ${backing ?? 'of an unknown kind'}.` }];
  return untouchable({ label, sharing, encrypted });
}

function untouchable({ label, sharing, encrypted }: Pick<DiskFacts, 'label' | 'sharing' | 'encrypted'>): Objection[] {
  if (sharing !== 'none') return [{ because: `${label} is shared: another VM may write to it meanwhile.` }];
  return encrypted ? [{ because: `${label} is encrypted.` }] : [];
}

const powerIs = (state: VmPowerState | null): string =>
  state === null ? 'vCenter does not say whether the VM is off.' : `The VM is ${state}.`;

const snapshotsAre = (count: number): string =>
  count === 1 ? 'The VM has a snapshot.' : `The VM has ${String(count)} snapshots.`;
