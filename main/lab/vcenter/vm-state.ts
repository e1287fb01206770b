import { randomBytes, randomUUID } from 'node:crypto';
import { uuidFrom } from '../random.ts';
import type { VmDisk, VmPlan } from './vm-plan.ts';

/** Frozen bytes that a change id stands for. They outlive their snapshot: changes are asked for against them. */
export type KnownChange = { readonly changeId: string; readonly file: string };

export type DiskNow = {
  sizeBytes: number;
  /** The disk has a file of its own and no longer shares the image it was made of. */
  own: boolean;
  /** Number of the delta file that is written to; 0 is the base. */
  delta: number;
  /** null: changes are not tracked. */
  epoch: string | null;
  epochs: number;
  counter: number;
  known: KnownChange[];
};

export type FrozenDisk = {
  readonly key: number;
  delta: number;
  readonly sizeBytes: number;
  readonly changeId: string | null;
  /** Below vcenter/frozen. */
  readonly file: string;
};

export type SnapshotNow = {
  readonly id: string;
  readonly number: number;
  readonly name: string;
  readonly description: string;
  readonly createdAtMs: number;
  readonly quiesced: boolean;
  readonly power: VmPlan['power'];
  /** Taken out of the tree; its files wait for consolidation. */
  removed: boolean;
  readonly disks: FrozenDisk[];
};

/** What can change of a VM. */
export type VmNow = {
  power: VmPlan['power'];
  tools: VmPlan['tools'];
  cbt: boolean;
  changeVersion: number;
  modifiedAtMs: number;
  disks: Record<string, DiskNow>;
  /** Oldest first; each stands on the one before it. */
  chain: SnapshotNow[];
  lastDelta: number;
};

export type VcenterState = {
  readonly instanceUuid: string;
  readonly username: string;
  password: string;
  /** Privileges that the user lacks; all others are there. */
  denied: string[];
  lastSnapshot: number;
  /** Only VMs that are no longer as they were set up, by instance UUID. */
  vms: Record<string, VmNow>;
};

export const newPassword = (): string => randomBytes(18).toString('base64url');

export const initialVcenter = (): VcenterState => ({
  instanceUuid: randomUUID(),
  username: 'administrator@vsphere.local',
  password: newPassword(),
  denied: [],
  lastSnapshot: 900,
  vms: {},
});

/** Disks whose writes pass the hypervisor: snapshots keep their state, and their changes can be tracked. */
export const canFreeze = (disk: VmDisk): boolean => disk.rdm !== 'physicalMode' && disk.mode === 'persistent';

export const initialNow = (plan: VmPlan): VmNow => {
  const now: VmNow = {
    power: plan.power,
    tools: plan.tools,
    cbt: plan.cbt,
    changeVersion: 1,
    modifiedAtMs: Date.UTC(2026, 0, 5, 8, 30),
    disks: Object.fromEntries(plan.disks.map((disk) => [disk.key, newDisk(disk)])),
    chain: [],
    lastDelta: plan.snapshots.length,
  };
  for (const [index, name] of plan.snapshots.entries()) now.chain.push(plannedSnapshot(plan, name, index));
  for (const disk of Object.values(now.disks)) disk.delta = plan.snapshots.length;
  if (plan.cbt) startTracking(plan, now);
  return now;
};

const newDisk = (disk: VmDisk): DiskNow => ({
  sizeBytes: disk.sizeBytes,
  own: disk.content.from === 'seed',
  delta: 0,
  epoch: null,
  epochs: 0,
  counter: 1,
  known: [],
});

const plannedSnapshot = (plan: VmPlan, name: string, index: number): SnapshotNow => {
  const number = Number(plan.moref.replace(/\D/g, '')) * 10 + index;
  return {
    id: `snapshot-${number}`,
    number,
    name,
    description: `Number ${index + 1} of the chain`,
    createdAtMs: Date.UTC(2026, 1, index + 1, 12),
    quiesced: false,
    power: 'poweredOff',
    removed: false,
    disks: plan.disks.map((disk) => ({
      key: disk.key,
      delta: index,
      sizeBytes: disk.sizeBytes,
      changeId: null,
      file: plannedFile(plan, disk, index),
    })),
  };
};

/** Made when it is first read, see disk-files.ts. */
const plannedFile = (plan: VmPlan, disk: VmDisk, index: number): string =>
  `${plan.vmId}-${disk.key}-planned-${index}.raw`;

/** Tracking begins: a new epoch for every disk that can, and ids of before say nothing any more. */
export function startTracking(plan: VmPlan, now: VmNow): void {
  for (const disk of plan.disks) {
    const state = now.disks[disk.key];
    if (state === undefined || !canFreeze(disk) || state.epoch !== null) continue;
    state.epochs += 1;
    state.counter = 1;
    state.epoch = epochOf(`${plan.vmId} ${disk.key} ${state.epochs}`);
  }
}

export function stopTracking(now: VmNow): void {
  for (const disk of Object.values(now.disks)) disk.epoch = null;
}

/** Written as vCenter writes it: bytes apart, a dash in the middle. */
function epochOf(seed: string): string {
  const bytes = uuidFrom(`epoch ${seed}`).replaceAll('-', '').match(/../g) ?? [];
  return `52 ${bytes.slice(1, 8).join(' ')}-${bytes.slice(8).join(' ')}`;
}

export const changeIdOf = (disk: DiskNow): string | null =>
  disk.epoch === null ? null : `${disk.epoch}/${disk.counter}`;
