import { internalFailure, invalidParameter } from '../api-error.ts';
import { type FaultName, takeFault } from '../faults.ts';
import { pause } from '../pause.ts';
import type { LabJob, LabState, LabVm, LabVolume } from '../state.ts';
import { checkAttach, checkDetach, checkDeviceId, lowestDeviceId } from './attach-rules.ts';
import { type AsyncCall, type CallContext, type JobResult, only } from './call.ts';
import { occasionOf } from './jobs.ts';
import { namedVolume, rootOf, vmOf, volumeOf } from './named.ts';
import { type Parameters, parametersOf } from './parameters.ts';
import { enter, leave, stateFor } from './transition.ts';
import { volumeResult } from './volume-view.ts';

export const attachCalls = {
  attachVolume: {
    does: 'Attaches a volume to a VM; as device 0 it becomes the root disk.',
    java: 'volume.AttachVolume',
    accepts: { id: 'volume!', virtualmachineid: 'virtualmachine!', deviceid: 'integer' },
    accept: ({ store: { state } }, { parameters }) =>
      only({ volumeId: namedVolume(state, parameters).id, vmId: parameters.required('virtualmachineid') }),
    begin: ({ store: { state } }, job) => {
      const { volume, vm } = partsOf(state, job);
      checkAttach(state, { volume, vm, job });
      // A VM that has never started has no storage yet, so neither gets its volume any: only the database changes.
      if (volume.state === 'Allocated' && rootOf(state, vm)?.state === 'Allocated') return;
      enter(volume, volume.state === 'Allocated' ? 'Creating' : 'Attaching', job);
    },
    act: attach,
    settle: ({ store: { state } }, job) => leave(volumeOf(state, job), job),
  },
  detachVolume: {
    does: 'Detaches a volume; a root disk becomes a data disk.',
    java: 'volume.DetachVolume',
    accepts: { id: 'volume', deviceid: 'integer', virtualmachineid: 'virtualmachine' },
    accept: ({ store: { state } }, { parameters }) => {
      const volume =
        parameters.get('id') === undefined ? volumeByDeviceId(state, parameters) : namedVolume(state, parameters);
      return only({ volumeId: volume.id, vmId: volume.vmId });
    },
    act: detach,
  },
} as const satisfies Readonly<Record<string, AsyncCall>>;

const partsOf = (state: LabState, job: LabJob): { readonly volume: LabVolume; readonly vm: LabVm } => ({
  volume: volumeOf(state, job),
  vm: vmOf(state, job),
});

function volumeByDeviceId(state: LabState, parameters: Parameters): LabVolume {
  const vmId = parameters.get('virtualmachineid');
  const deviceId = parameters.whole('deviceid');
  if (vmId === undefined || deviceId === undefined) {
    throw invalidParameter('Please provide either a volume id, or a tuple(device id, instance id)');
  }
  const volume = state.volumes.find((own) => own.vmId === vmId && own.deviceId === deviceId && !own.removed);
  if (volume === undefined) throw invalidParameter('The specified volume is not attached to a VM.');
  return volume;
}

async function attach(context: CallContext, job: LabJob, signal: AbortSignal): Promise<() => JobResult> {
  const { store, appliance, nowMs } = context;
  const { state } = store;
  const { volume, vm } = partsOf(state, job);
  const strike = (fault: FaultName): { readonly value: number | null } | null =>
    takeFault(state.faults, 'job', occasionOf(store, job, [fault]));

  const slow = strike('slow-creating');
  if (slow !== null) await pause(slow.value ?? 1_000, signal);
  checkAttach(state, { volume, vm, job });
  const wanted = parametersOf(new Map(Object.entries(job.sent))).whole('deviceid');
  checkDeviceId(state, vm, wanted);
  if (strike('attach-race-lost') !== null) loseRace(context, job);
  const gap = takeFault(state.faults, 'device', occasionOf(store, job, ['deviceid-gap']));
  const deviceId = wanted ?? lowestDeviceId(state, vm, gap === null ? 0 : 1);
  if (strike('target-exists') !== null || isTargetTaken(state, { volume, vm }, deviceId)) {
    const target = `vd${String.fromCharCode(97 + deviceId)}`;
    throw internalFailure(
      `Failed to attach volume ${volume.name} to VM ${vm.name}; org.libvirt.LibvirtException: operation failed: target ${target} already exists`,
    );
  }
  const move = strike('attach-moves-pool');
  if (move !== null) {
    enter(volume, 'Migrating', job);
    await pause(move.value ?? 1_000, signal);
    volume.pool = volume.pool === 'primary-1' ? 'primary-2' : 'primary-1';
  }

  const root = rootOf(state, vm);
  const staysAllocated = stateFor(volume, job) === 'Allocated' && root?.state === 'Allocated';
  if (stateFor(volume, job) === 'Allocated' && root === undefined) {
    throw internalFailure(`Failed to attach volume ${volume.name} to VM ${vm.name}`);
  }
  if (vm.id === state.ids.omaVm && vm.state === 'Running') await appliance.plug(volume);
  else if (!staysAllocated) await appliance.store(volume);
  const straggler = takeFault(state.faults, 'job-done', occasionOf(store, job, ['stale-detach']));
  return () => {
    Object.assign(volume, {
      state: staysAllocated ? 'Allocated' : 'Ready',
      transition: null,
      type: deviceId === 0 ? 'ROOT' : 'DATADISK',
      vmId: vm.id,
      deviceId,
      attachedAtMs: nowMs(),
    });
    const result = volumeResult(state, volume, job.accountId);
    if (straggler !== null) clearByStraggler(state, volume);
    return result;
  };
}

/** ACS 14214: a detach job of earlier ends now. It clears the record; the disk stays in the guest, and its target stays taken. */
function clearByStraggler(state: LabState, volume: LabVolume): void {
  if (volume.vmId === state.ids.omaVm) state.host.orphans.push({ volumeId: volume.id, deviceId: volume.deviceId });
  Object.assign(volume, unattached);
}

const isTargetTaken = (state: LabState, { volume, vm }: ReturnType<typeof partsOf>, deviceId: number): boolean =>
  vm.id === state.ids.omaVm &&
  state.host.orphans.some((orphan) => orphan.deviceId === deviceId || orphan.volumeId === volume.id);

/** Somebody else's attach of the same volume ends first; this one finds it in the other's hands. */
function loseRace({ store: { state }, nowMs }: CallContext, job: LabJob): never {
  const volume = volumeOf(state, job);
  const other = state.vms.find(
    (vm) => vm.id !== job.vmId && vm.state === 'Running' && vm.accountId === volume.accountId,
  );
  if (other !== undefined) {
    const won = { state: 'Ready', transition: null, vmId: other.id, attachedAtMs: nowMs() } as const;
    Object.assign(volume, { ...won, deviceId: lowestDeviceId(state, other) });
  }
  throw internalFailure(`Volume: ${volume.name} is in Attaching. It should be in Ready or Allocated state`);
}

async function detach({ store, appliance }: CallContext, job: LabJob): Promise<() => JobResult> {
  const { state } = store;
  const volume = volumeOf(state, job);
  const vm = checkDetach(
    volume,
    state.vms.find((candidate) => candidate.id === volume.vmId),
  );
  if (vm.id === state.ids.omaVm) {
    const unplugging = `Device virtio-disk${String(volume.deviceId)} is already in the process of unplug`;
    if (appliance.isLeaving(volume.id)) throw internalFailure(unplugging);
    const late = takeFault(state.faults, 'device', occasionOf(store, job, ['detach-times-out']));
    if (late !== null) appliance.unplugLater(volume, late.value ?? 1_000);
    if (late !== null || (await appliance.unplug(volume.id)) === 'held') {
      throw internalFailure(
        `Could not detach volume after sending the command and waiting for [${state.settings.detach_wait_ms}] milliseconds. ${unplugging}`,
      );
    }
  }
  return () => {
    Object.assign(volume, unattached);
    return volumeResult(state, volume, job.accountId);
  };
}

export const unattached = {
  type: 'DATADISK',
  vmId: null,
  deviceId: null,
  attachedAtMs: null,
  deviceless: false,
} as const;
