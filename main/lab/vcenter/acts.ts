import type { VcenterContext } from './context.ts';
import { type Mutated, type Mutation, mutate } from './disks/mutate.ts';
import { changeIdOf, type KnownChange, type SnapshotNow, startTracking } from './vm-state.ts';
import { diskNow, type Vm } from './vms.ts';

type Parts = Pick<VcenterContext, 'vms' | 'disks'>;

/** On or off, whoever did it. Runs in the VM's turn. */
export async function setPower(parts: Parts, vm: Vm, power: Vm['now']['power']): Promise<void> {
  if (vm.now.power === 'poweredOff') await pinChanges(parts, vm);
  vm.now.power = power;
  if (vm.now.cbt) startTracking(vm.plan, vm.now);
  // vCenter writes the VM's configuration anew.
  parts.vms.changed(vm, 'config');
}

/** What a guest writes. A VM that is off must have been switched on for it, so its change ids count on. */
export async function mutateVm(parts: Parts, vm: Vm, wanted: Mutation): Promise<Mutated> {
  if (vm.now.power === 'poweredOff') await pinChanges(parts, vm);
  return await mutate(parts, vm, wanted);
}

/** The bytes of a VM that is off are what its own change ids stand for: they are frozen before they can change. */
async function pinChanges(parts: Parts, vm: Vm): Promise<void> {
  for (const disk of vm.plan.disks) {
    const now = diskNow(vm, disk.key);
    const changeId = changeIdOf(now);
    if (changeId === null) continue;
    const file = `${vm.plan.vmId}-${disk.key}-off-${now.epochs}-${now.counter}.raw`;
    await parts.disks.freeze(vm, disk, file);
    await remember(parts, vm, { key: disk.key, changeId, file });
  }
}

/** Change ids that can still be asked about, the newest ones of each disk. */
const KNOWN_CHANGES = 8;

/** From now on the id stands for these frozen bytes, and the disk goes on under the next one. */
export async function remember(
  parts: Pick<Parts, 'disks'>,
  vm: Vm,
  { key, changeId, file }: KnownChange & { readonly key: number },
): Promise<void> {
  const now = diskNow(vm, key);
  now.counter += 1;
  now.known.push({ changeId, file });
  const old = now.known.splice(0, Math.max(0, now.known.length - KNOWN_CHANGES));
  const files = old.map((known) => known.file);
  await forgetUnused(parts, vm, files);
}

/** Takes a snapshot out of the chain: what stood on it now stands in its place. */
export async function collapse({ disks }: Pick<VcenterContext, 'disks'>, vm: Vm, snapshot: SnapshotNow): Promise<void> {
  const { chain } = vm.now;
  const next = chain[chain.indexOf(snapshot) + 1];
  for (const frozen of snapshot.disks) {
    const above = next?.disks.find(({ key }) => key === frozen.key) ?? vm.now.disks[frozen.key];
    if (above !== undefined) above.delta = frozen.delta;
  }
  vm.now.chain = chain.filter((candidate) => candidate !== snapshot);
  await forgetUnused(
    { disks },
    vm,
    snapshot.disks.map(({ file }) => file),
  );
}

/** Frozen bytes are kept while a snapshot or a change id stands for them. */
export async function forgetUnused(
  { disks }: Pick<VcenterContext, 'disks'>,
  vm: Vm,
  files: readonly string[],
): Promise<void> {
  const used = filesOf(vm);
  for (const file of files) if (!used.has(file)) await disks.forget(file);
}

/** The frozen files that a VM still needs. */
export const filesOf = ({ now }: Vm): ReadonlySet<string> =>
  new Set([
    ...now.chain.flatMap((snapshot) => snapshot.disks.map(({ file }) => file)),
    ...Object.values(now.disks).flatMap(({ known }) => known.map(({ file }) => file)),
  ]);
