import { internalFailure, invalidParameter } from '../api-error.ts';
import type { LabJob, LabVm, VmState } from '../state.ts';
import { visibleTo } from './accepts.ts';
import { unattached } from './attach-calls.ts';
import { type Asked, type AsyncCall, type CallContext, type JobResult, only, type SyncCall } from './call.ts';
import { disksOf, rootOf, vmOf, volumeOf } from './named.ts';
import { page, parametersOf } from './parameters.ts';
import { listContent } from './reply.ts';
import { enter, leave, stateFor } from './transition.ts';
import { vmResult, vmView } from './vm-view.ts';
import { expunge } from './volume-calls.ts';

const named = (_context: CallContext, { parameters }: Asked): ReturnType<typeof only> =>
  only({ vmId: parameters.required('id') });
const settle = ({ store: { state } }: CallContext, job: LabJob): void => leave(vmOf(state, job), job);

export const vmCalls = {
  startVirtualMachine: {
    does: 'Starts a VM.',
    java: 'vm.StartVM',
    accepts: { id: 'virtualmachine!' },
    accept: named,
    begin: (context, job) => beginStart(context, job),
    act: (context, job) => startVm(context, job),
    settle,
  },
  stopVirtualMachine: {
    does: 'Stops a VM.',
    java: 'vm.StopVM',
    accepts: { id: 'virtualmachine!', forced: 'boolean' },
    accept: named,
    begin: ({ store: { state } }, job) => {
      const vm = vmOf(state, job);
      refuseIn(vm, ['Destroyed', 'Expunging', 'Error'], 'stop');
      if (vm.state === 'Running') enter(vm, 'Stopping', job);
    },
    act: async (context, job) => {
      const vm = vmOf(context.store.state, job);
      await powerOff(context, vm);
      return moved(context, job, 'Stopped');
    },
    settle,
  },
  rebootVirtualMachine: {
    does: 'Starts a running VM anew.',
    java: 'vm.RebootVM',
    accepts: { id: 'virtualmachine!' },
    accept: named,
    act: async (context, job) => {
      const { state } = context.store;
      const vm = vmOf(state, job);
      if (vm.state !== 'Running') throw internalFailure(`Unable to reboot VM ${vm.name}: it is ${vm.state}`);
      if (vm.id === state.ids.omaVm) await context.appliance.restart();
      return moved(context, job, 'Running');
    },
  },
  destroyVirtualMachine: {
    does: 'Destroys a VM with its root disk; data disks are detached.',
    java: 'vm.DestroyVM',
    accepts: { id: 'virtualmachine!', expunge: 'boolean', volumeids: 'volume[]' },
    accept: (context, asked) => {
      const { state } = context.store;
      const vmId = asked.parameters.required('id');
      for (const id of asked.parameters.list('volumeids') ?? []) {
        const volume = volumeOf(state, { volumeId: id });
        if (volume.vmId !== vmId || volume.type === 'ROOT') {
          throw invalidParameter(`Unable to delete volume ${id}: it is no data disk of the VM`);
        }
      }
      return named(context, asked);
    },
    begin: ({ store: { state } }, job) => {
      const vm = vmOf(state, job);
      if (vm.removed) throw invalidParameter(`unable to find a virtual machine with id ${vm.id}`);
      enter(vm, vm.state === 'Running' ? 'Stopping' : 'Expunging', job);
    },
    act: destroyVm,
    settle,
  },
} as const satisfies Readonly<Record<string, AsyncCall>>;

export const vmAnswers = {
  listVirtualMachines: {
    does: 'Lists VMs.',
    accepts: {
      id: 'virtualmachine',
      ids: 'virtualmachine[]',
      name: 'string',
      keyword: 'string',
      state: 'string',
      zoneid: 'zone',
      templateid: 'template',
      networkid: 'network',
      account: 'string',
      domainid: 'string',
      listall: 'boolean',
      isrecursive: 'boolean',
      page: 'integer',
      pagesize: 'integer',
    },
    answer: ({ store: { state } }: CallContext, asked: Asked) => {
      const { parameters, caller } = asked;
      const ids = parameters.list('ids');
      const keyword = parameters.get('keyword')?.toLowerCase();
      const same = (name: string, value: string | undefined): boolean => (parameters.get(name) ?? value) === value;
      const found = visibleTo(
        asked,
        state.vms.filter((vm) => !vm.removed),
      ).filter(
        (vm) =>
          same('id', vm.id) &&
          same('name', vm.name) &&
          same('state', vm.state) &&
          same('templateid', vm.templateId) &&
          same('account', state.accounts.find((account) => account.id === vm.accountId)?.name) &&
          (ids?.includes(vm.id) ?? true) &&
          (keyword === undefined || `${vm.name} ${vm.displayName}`.toLowerCase().includes(keyword)) &&
          vm.networkIds.includes(parameters.get('networkid') ?? vm.networkIds[0] ?? ''),
      );
      const { count, items } = page(parameters, found);
      return listContent('virtualmachine', { count, items: items.map((vm) => vmView(state, vm, caller)) });
    },
  },
} as const satisfies Readonly<Record<string, SyncCall>>;

export function beginStart({ store: { state } }: CallContext, job: LabJob): void {
  const vm = vmOf(state, job);
  refuseIn(vm, ['Destroyed', 'Expunging'], 'start');
  if (vm.state !== 'Running') enter(vm, 'Starting', job);
}

/** A VM without a disk in the place of the root cannot start (ACS 8634). The first start gives its disks their storage. */
export async function startVm(context: CallContext, job: LabJob): Promise<() => JobResult> {
  const { store, appliance } = context;
  const { state } = store;
  const vm = vmOf(state, job);
  if (rootOf(state, vm) === undefined) {
    throw internalFailure(
      `Unable to start a VM [${vm.id}] due to [Unable to create deployment, no usable volumes found for the VM: ${vm.number}].`,
    );
  }
  const disks = disksOf(state, vm);
  for (const disk of disks) await appliance.store(disk);
  if (vm.id === state.ids.omaVm && stateFor(vm, job) !== 'Running') await appliance.restart();
  return () => {
    for (const disk of disks) if (disk.state === 'Allocated') disk.state = 'Ready';
    return moved(context, job, 'Running')();
  };
}

async function powerOff({ store: { state }, appliance }: CallContext, vm: LabVm): Promise<void> {
  if (vm.id === state.ids.omaVm) await appliance.shutDown();
}

/** The guest switches itself off: CloudStack finds it Stopped without having been asked. */
export async function guestPowersOff(context: CallContext, vm: LabVm): Promise<void> {
  if (vm.state !== 'Running') return;
  await powerOff(context, vm);
  vm.state = 'Stopped';
}

function refuseIn(vm: LabVm, states: readonly VmState[], verb: string): void {
  if (vm.removed) throw invalidParameter(`unable to find a virtual machine with id ${vm.id}`);
  if (states.includes(vm.state)) throw invalidParameter(`Unable to ${verb} VM ${vm.name} in state ${vm.state}`);
}

/** The new state is recorded with the end of the job. */
function moved({ store: { state } }: CallContext, job: LabJob, to: VmState): () => JobResult {
  const vm = vmOf(state, job);
  return () => {
    Object.assign(vm, { state: to, transition: null });
    return vmResult(state, vm, job.accountId);
  };
}

/** Whatever is ROOT goes with the VM, also a disk that was swapped in; without expunge both can still be seen. */
async function destroyVm(context: CallContext, job: LabJob): Promise<() => JobResult> {
  const { store, appliance } = context;
  const { state } = store;
  const vm = vmOf(state, job);
  const sent = parametersOf(new Map(Object.entries(job.sent)));
  const isExpunged = sent.flag('expunge') === true;
  const doomed = new Set(sent.list('volumeids'));
  const disks = disksOf(state, vm);
  await powerOff(context, vm);
  const expunged = disks.filter((disk) => isExpunged && (disk.type === 'ROOT' || doomed.has(disk.id)));
  for (const disk of expunged) await appliance.discard(disk.id);
  return () => {
    for (const disk of disks) {
      const isDoomed = disk.type === 'ROOT' || doomed.has(disk.id);
      if (disk.type !== 'ROOT') Object.assign(disk, unattached);
      if (expunged.includes(disk)) Object.assign(disk, unattached);
      if (expunged.includes(disk)) expunge(disk);
      else if (isDoomed) disk.state = 'Destroy';
    }
    vm.removed = isExpunged;
    return moved(context, job, isExpunged ? 'Expunging' : 'Destroyed')();
  };
}
