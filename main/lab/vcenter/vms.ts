import { AppError } from '../../../shared/errors.ts';
import type { Store } from '../store.ts';
import type { Changes } from './changes.ts';
import { createSizeOf, readLabVms } from './lab-vms.ts';
import { oddVms } from './odd-vms.ts';
import type { VmDisk, VmPlan } from './vm-plan.ts';
import { type DiskNow, initialNow, type VmNow } from './vm-state.ts';

export type Vm = { readonly plan: VmPlan; readonly now: VmNow };

export type Vms = {
  all(): readonly Vm[];
  byMoref(moref: string): Vm | undefined;
  /** By moref, instance UUID or name; a name of two VMs is refused. */
  named(what: string): Vm;
  /** Clones appear, too. */
  reload(): Promise<void>;
  /** Something of the VM changed. `config`: what changeVersion is about. */
  changed(vm: Vm, what: 'config' | 'state'): void;
  /** Runs when everything asked for this VM before has ended. */
  inTurn<T>(vm: Vm, work: () => Promise<T>): Promise<T>;
};

type Options = {
  readonly store: Store;
  readonly vmsDir: string;
  readonly changes: Changes;
  readonly nowMs: () => number;
};

export function createVms({ store, vmsDir, changes, nowMs }: Options): Vms {
  const { vcenter } = store.state;
  const sizeOf = createSizeOf();
  const turns = new Map<string, Promise<unknown>>();
  let vms: Vm[] = [];
  let byMoref = new Map<string, Vm>();

  const vmOf = (plan: VmPlan): Vm => {
    const known = vms.find((vm) => vm.plan.vmId === plan.vmId);
    return known ?? { plan, now: vcenter.vms[plan.vmId] ?? initialNow(plan) };
  };

  return {
    all: () => vms,
    byMoref: (moref) => byMoref.get(moref),
    named: (what) => {
      const found = vms.filter(({ plan }) => [plan.moref, plan.vmId, plan.name].includes(what));
      const [vm] = found;
      if (vm === undefined) throw new AppError('NOT_FOUND', `The lab's vCenter has no VM ${what}.`);
      if (found.length > 1) {
        const ids = found.map(({ plan }) => plan.moref).join(' and ');
        throw new AppError('INVALID_REQUEST', `${what} is the name of ${ids}: say which.`);
      }
      return vm;
    },
    reload: async () => {
      const plans = [...(await readLabVms(vmsDir, sizeOf)), ...oddVms];
      vms = plans.map(vmOf);
      byMoref = new Map(vms.map((vm) => [vm.plan.moref, vm]));
      changes.notify();
    },
    changed: ({ plan, now }, what) => {
      if (what === 'config') {
        now.changeVersion += 1;
        now.modifiedAtMs = nowMs();
      }
      vcenter.vms[plan.vmId] = now;
      changes.notify();
    },
    inTurn: (vm, work) => {
      const before = turns.get(vm.plan.vmId) ?? Promise.resolve();
      const mine = before.then(work, work);
      turns.set(vm.plan.vmId, mine);
      return mine;
    },
  };
}

export function diskNow({ now }: Vm, key: number): DiskNow {
  const disk = now.disks[key];
  if (disk === undefined) throw new Error(`The lab has lost the state of disk ${key}.`);
  return disk;
}

/** `folder/file` of its files on the datastore, without what the file kind adds. */
export function stemOf({ plan }: Vm, disk: VmDisk): string {
  const index = plan.disks.indexOf(disk);
  return disk.stem ?? `${plan.directory}/${plan.fileName}${index === 0 ? '' : `_${index}`}`;
}

export const fileOf = (stem: string, delta: number): string =>
  `${stem}${delta === 0 ? '' : `-${String(delta).padStart(6, '0')}`}.vmdk`;
