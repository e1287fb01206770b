import { takeFault } from '../../faults.ts';
import { collapse, remember } from '../acts.ts';
import type { VcenterContext } from '../context.ts';
import { type Area, changedAreas } from '../disks/changed-areas.ts';
import { datastores } from '../place.ts';
import { refOf } from '../soap/envelope.ts';
import { list, long, type Ref, ref, struct, type Value } from '../soap/value.ts';
import { fileFault, invalidArgument, objectNotFound, VimFault } from '../soap/vim-fault.ts';
import type { VmDisk } from '../vm-plan.ts';
import { canFreeze, changeIdOf, type FrozenDisk, type SnapshotNow } from '../vm-state.ts';
import { diskNow, fileOf, stemOf, type Vm } from '../vms.ts';
import { type Calls, type ClosedCall, vmOf } from './call.ts';
import { isBusShared, startTask, stun } from './vm-calls.ts';

const LONGEST_CHAIN = 32;

export const snapshotCalls: Calls<ClosedCall> = {
  CreateSnapshot_Task: {
    on: 'VirtualMachine',
    takes: ['name!', 'description', 'memory!', 'quiesce!'],
    privilege: 'VirtualMachine.State.CreateSnapshot',
    answer: (context, asked) => {
      const vm = vmOf(context, asked.self.ref);
      const { args } = asked;
      const quiesced = args.flag('quiesce') === true && vm.now.power === 'poweredOn' && vm.now.tools === 'running';
      const wanted = { name: args.text('name') ?? '', description: args.text('description') ?? '', quiesced };
      if (wanted.name === '') throw invalidArgument('name');
      return startTask(context, { asked, vm, does: 'VirtualMachine.createSnapshot' }, () =>
        create(context, vm, wanted),
      );
    },
  },
  RemoveSnapshot_Task: {
    on: 'VirtualMachineSnapshot',
    takes: ['removeChildren!', 'consolidate'],
    privilege: 'VirtualMachine.State.RemoveSnapshot',
    answer: (context, asked) => {
      const { vm, snapshot } = snapshotNamed(context, asked.self.ref);
      return startTask(context, { asked, vm, does: 'VirtualMachineSnapshot.remove' }, async () => {
        const { chain } = vm.now;
        const at = chain.indexOf(snapshot);
        await remove(context, vm, asked.args.flag('removeChildren') === true ? chain.slice(at) : [snapshot]);
        return undefined;
      });
    },
  },
  RemoveAllSnapshots_Task: {
    on: 'VirtualMachine',
    takes: ['consolidate'],
    privilege: 'VirtualMachine.State.RemoveSnapshot',
    answer: (context, asked) => {
      const vm = vmOf(context, asked.self.ref);
      return startTask(context, { asked, vm, does: 'VirtualMachine.removeAllSnapshots' }, async () => {
        await remove(context, vm, vm.now.chain);
        return undefined;
      });
    },
  },
  ConsolidateVMDisks_Task: {
    on: 'VirtualMachine',
    takes: [],
    privilege: 'VirtualMachine.State.RemoveSnapshot',
    answer: (context, asked) => {
      const vm = vmOf(context, asked.self.ref);
      return startTask(context, { asked, vm, does: 'VirtualMachine.consolidateDisks' }, async () => {
        for (const snapshot of vm.now.chain.filter(({ removed }) => removed)) await collapse(context, vm, snapshot);
        stun(vm);
        context.vms.changed(vm, 'config');
        return undefined;
      });
    },
  },
  QueryChangedDiskAreas: {
    on: 'VirtualMachine',
    takes: ['snapshot', 'deviceKey!', 'startOffset!', 'changeId!'],
    privilege: 'VirtualMachine.Provisioning.DiskRandomRead',
    answer: (context, asked) => {
      const vm = vmOf(context, asked.self.ref);
      const { args } = asked;
      const disk = vm.plan.disks.find(({ key }) => key === args.whole('deviceKey'));
      if (disk === undefined) throw invalidArgument('deviceKey');
      const given = args.one('snapshot');
      const snapshot = given === undefined ? null : snapshotNamed(context, refOf(given));
      if (snapshot !== null && snapshot.vm !== vm) throw invalidArgument('snapshot');
      const query = { disk, snapshot: snapshot?.snapshot ?? null, startOffset: args.whole('startOffset') ?? 0 };
      return context.vms.inTurn(vm, () => changesOf(context, vm, { ...query, changeId: args.text('changeId') ?? '' }));
    },
  },
};

function snapshotNamed({ vms }: VcenterContext, target: Ref): { readonly vm: Vm; readonly snapshot: SnapshotNow } {
  for (const vm of target.type === 'VirtualMachineSnapshot' ? vms.all() : []) {
    const snapshot = vm.now.chain.find(({ id, removed }) => id === target.id && !removed);
    if (snapshot !== undefined) return { vm, snapshot };
  }
  throw objectNotFound(target);
}

type Wanted = Pick<SnapshotNow, 'name' | 'description' | 'quiesced'>;

async function create(context: VcenterContext, vm: Vm, wanted: Wanted): Promise<Value> {
  const { state } = context.store;
  const occasion = {
    command: 'createSnapshot',
    name: vm.plan.name,
    vmId: vm.plan.moref,
    only: ['vc-snapshot-fails'] as const,
  };
  if (takeFault(state.faults, 'vc-task', occasion) !== null) {
    throw new VimFault(
      'ApplicationQuiesceFault',
      'An error occurred while quiescing the virtual machine. See the virtual machine event log for details.',
    );
  }
  if (isBusShared(vm)) {
    throw new VimFault('SnapshotFault', 'Cannot take a snapshot of a virtual machine that shares its bus or a disk.');
  }
  if (vm.now.chain.length >= LONGEST_CHAIN) {
    throw new VimFault('SnapshotFault', 'The snapshot limit of this virtual machine is reached.');
  }
  stun(vm);
  state.vcenter.lastSnapshot += 1;
  const number = state.vcenter.lastSnapshot;
  const frozen: FrozenDisk[] = [];
  for (const disk of vm.plan.disks.filter(canFreeze)) {
    const now = diskNow(vm, disk.key);
    const file = `${vm.plan.vmId}-${disk.key}-${number}.raw`;
    await context.disks.freeze(vm, disk, file);
    frozen.push({ key: disk.key, delta: now.delta, sizeBytes: now.sizeBytes, changeId: changeIdOf(now), file });
  }
  const snapshot: SnapshotNow = {
    ...wanted,
    id: `snapshot-${number}`,
    number,
    createdAtMs: context.nowMs(),
    power: vm.now.power,
    removed: false,
    disks: frozen,
  };
  vm.now.lastDelta += 1;
  vm.now.chain.push(snapshot);
  for (const disk of frozen) await standOn(context, vm, disk);
  context.vms.changed(vm, 'config');
  return ref('VirtualMachineSnapshot', snapshot.id);
}

/** The VM goes on in a new delta file; the change id counts on. */
async function standOn(context: VcenterContext, vm: Vm, { key, changeId, file }: FrozenDisk): Promise<void> {
  diskNow(vm, key).delta = vm.now.lastDelta;
  if (changeId !== null) await remember(context, vm, { key, changeId, file });
}

async function remove(context: VcenterContext, vm: Vm, snapshots: readonly SnapshotNow[]): Promise<void> {
  const { faults } = context.store.state;
  const occasion = {
    command: 'removeSnapshot',
    name: vm.plan.name,
    vmId: vm.plan.moref,
    only: ['vc-consolidation-needed'] as const,
  };
  const leaves = takeFault(faults, 'vc-task', occasion) !== null;
  for (const snapshot of [...snapshots]) {
    if (leaves) snapshot.removed = true;
    else await collapse(context, vm, snapshot);
  }
  stun(vm);
  context.vms.changed(vm, 'config');
}

type Query = {
  readonly disk: VmDisk;
  readonly snapshot: SnapshotNow | null;
  readonly startOffset: number;
  readonly changeId: string;
};

/** DiskChangeInfo: covers the disk from startOffset on, maybe not to its end. */
async function changesOf(
  context: VcenterContext,
  vm: Vm,
  { disk, snapshot, startOffset, changeId }: Query,
): Promise<Value> {
  const { state } = context.store;
  const { settings } = state;
  const now = diskNow(vm, disk.key);
  const frozen = snapshot?.disks.find(({ key }) => key === disk.key) ?? null;
  const file = `/vmfs/volumes/${datastores[vm.plan.datastore].id}/${fileOf(stemOf(vm, disk), frozen?.delta ?? now.delta)}`;
  const occasion = { command: 'QueryChangedDiskAreas', name: vm.plan.name, vmId: vm.plan.moref };
  const fails = takeFault(state.faults, 'vc-query', { ...occasion, only: ['vc-cbt-file-fault'] }) !== null;
  if (
    fails ||
    (snapshot === null && vm.now.power !== 'poweredOff') ||
    (snapshot !== null && frozen?.changeId == null)
  ) {
    throw fileFault(file);
  }
  if (now.epoch === null) throw fileFault(file);
  const sizeBytes = frozen?.sizeBytes ?? now.sizeBytes;
  if (startOffset < 0 || startOffset >= sizeBytes) throw invalidArgument('startOffset');
  const span = settings.vc_changed_span_bytes;
  const to = span === 0 ? sizeBytes : Math.min(sizeBytes, startOffset + span);
  const before = changeId === '*' ? null : await bytesOf(context, vm, { disk, changeId });
  // What is in use is known of VMFS only; elsewhere everything counts as used.
  if (before === null && vm.plan.datastore !== 'vmfs-01') {
    return changeValue(startOffset, to, [{ start: startOffset, length: to - startOffset }]);
  }
  const after = frozen === null ? await context.disks.live(vm, disk) : await context.disks.frozen(vm, frozen);
  const found = await changedAreas({ before, after, from: startOffset, to, maxAreas: settings.vc_changed_areas_max });
  const [first, ...others] = found.areas;
  const lies =
    first !== undefined && takeFault(state.faults, 'vc-query', { ...occasion, only: ['vc-cbt-lies'] }) !== null;
  return changeValue(startOffset, found.until, lies ? others : found.areas);
}

/**
 * The frozen bytes that a change id stands for, or those of now for the current id of a VM that is off. One of an
 * earlier epoch, or of another disk, says nothing.
 */
async function bytesOf(
  context: VcenterContext,
  vm: Vm,
  { disk, changeId }: { disk: VmDisk; changeId: string },
): Promise<string> {
  const now = diskNow(vm, disk.key);
  if (vm.now.power === 'poweredOff' && changeId === changeIdOf(now)) return await context.disks.live(vm, disk);
  const known = now.known.find((candidate) => candidate.changeId === changeId);
  if (known === undefined || changeId.split('/')[0] !== now.epoch) throw invalidArgument('changeId');
  return await context.disks.frozen(vm, { key: disk.key, file: known.file });
}

const changeValue = (startOffset: number, until: number, areas: readonly Area[]): Value =>
  struct('DiskChangeInfo', {
    startOffset: long(startOffset),
    length: long(until - startOffset),
    changedArea: list(
      'DiskChangeExtent',
      areas.map(({ start, length }) => struct('DiskChangeExtent', { start: long(start), length: long(length) })),
    ),
  });
