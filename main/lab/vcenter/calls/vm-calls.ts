import { takeFault } from '../../faults.ts';
import { nextBetween } from '../../random.ts';
import { setPower } from '../acts.ts';
import type { VcenterContext } from '../context.ts';
import { fieldsOf } from '../soap/envelope.ts';
import type { Ref, Value } from '../soap/value.ts';
import { invalidPowerState, invalidRequest, VimFault } from '../soap/vim-fault.ts';
import { startTracking, stopTracking } from '../vm-state.ts';
import type { Vm } from '../vms.ts';
import { type Asked, type Calls, type ClosedCall, vmOf } from './call.ts';

type Work = (vm: Vm) => Promise<Value | undefined>;

/** Queues a task; whether it can be done is found out when it runs, as in vCenter. */
export function startTask(
  context: VcenterContext,
  { asked, vm, does }: { asked: Asked; vm: Vm; does: string },
  work: Work,
): Ref {
  const { tasks, vms, store } = context;
  const occasion = { command: does.replace(/^.*\./, ''), name: vm.plan.name, vmId: vm.plan.moref };
  const slow = takeFault(store.state.faults, 'vc-task', { ...occasion, only: ['vc-task-slow'] });
  return tasks.start({
    vm,
    does,
    userName: asked.session.userName,
    extraMs: slow?.value ?? (slow === null ? 0 : 5000),
    work: () => {
      if (takeFault(store.state.faults, 'vc-task', { ...occasion, only: ['vc-task-fails'] }) !== null) {
        throw new VimFault('GenericVmConfigFault', 'Operation failed on the host.', {});
      }
      return vms.inTurn(vm, () => work(vm));
    },
  });
}

export function requirePower(vm: Vm, wanted: Vm['now']['power'], requested: string | null): void {
  if (vm.now.power !== wanted) throw invalidPowerState(requested, vm.now.power);
}

const powerTask =
  (does: string, [from, to]: readonly [Vm['now']['power'], Vm['now']['power']]): ClosedCall['answer'] =>
  (context, asked) => {
    const vm = vmOf(context, asked.self.ref);
    return startTask(context, { asked, vm, does }, async () => {
      requirePower(vm, from, to);
      await setPower(context, vm, to);
      return undefined;
    });
  };

export const vmCalls: Calls<ClosedCall> = {
  PowerOnVM_Task: {
    on: 'VirtualMachine',
    takes: ['host'],
    privilege: 'VirtualMachine.Interact.PowerOn',
    answer: powerTask('VirtualMachine.powerOn', ['poweredOff', 'poweredOn']),
  },
  PowerOffVM_Task: {
    on: 'VirtualMachine',
    takes: [],
    privilege: 'VirtualMachine.Interact.PowerOff',
    answer: powerTask('VirtualMachine.powerOff', ['poweredOn', 'poweredOff']),
  },
  ShutdownGuest: {
    on: 'VirtualMachine',
    takes: [],
    privilege: 'VirtualMachine.Interact.PowerOff',
    answer: (context, { self }) => {
      const vm = vmOf(context, self.ref);
      requirePower(vm, 'poweredOn', null);
      if (vm.now.tools !== 'running') {
        throw new VimFault(
          'ToolsUnavailable',
          'Cannot complete operation because VMware Tools is not running in this virtual machine.',
        );
      }
      const { state } = context.store;
      const never = takeFault(state.faults, 'vc-task', {
        command: 'shutdownGuest',
        name: vm.plan.name,
        vmId: vm.plan.moref,
        only: ['vc-shutdown-hangs'],
      });
      if (never !== null) return undefined;
      // The guest takes its time; nothing tells the caller when it is done.
      context.later(nextBetween(state.random, state.settings.vc_shutdown_ms), async () => {
        await context.vms.inTurn(vm, async () => {
          if (vm.now.power === 'poweredOn') await setPower(context, vm, 'poweredOff');
        });
        await context.store.flush();
      });
      return undefined;
    },
  },
  ReconfigVM_Task: {
    on: 'VirtualMachine',
    takes: ['spec!'],
    privilege: 'VirtualMachine.Config.ChangeTracking',
    answer: (context, asked) => {
      const vm = vmOf(context, asked.self.ref);
      const spec = asked.args.one('spec')?.children ?? [];
      const other = spec.find(({ name }) => !['changeTrackingEnabled', 'changeVersion'].includes(name));
      if (other !== undefined) throw invalidRequest(`The lab cannot reconfigure ${other.name}.`);
      const wanted = fieldsOf(spec).flag('changeTrackingEnabled');
      return startTask(context, { asked, vm, does: 'VirtualMachine.reconfigure' }, async () => {
        if (wanted !== undefined) track(vm, wanted);
        context.vms.changed(vm, 'config');
        return undefined;
      });
    },
  },
};

/** A VM that runs begins to track at its next stun: a snapshot that is made or removed, or a power cycle. */
function track(vm: Vm, wanted: boolean): void {
  vm.now.cbt = wanted;
  if (!wanted) stopTracking(vm.now);
  else if (vm.now.power === 'poweredOff') startTracking(vm.plan, vm.now);
}

/** A stun: what was asked of a running VM begins now. */
export function stun(vm: Vm): void {
  if (vm.now.cbt) startTracking(vm.plan, vm.now);
}

export const isBusShared = (vm: Vm): boolean =>
  vm.plan.controllers.some(({ sharedBus }) => sharedBus === 'physicalSharing') ||
  vm.plan.disks.some(({ sharing }) => sharing === 'sharingMultiWriter');
