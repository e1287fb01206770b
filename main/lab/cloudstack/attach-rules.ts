import { internalFailure, invalidParameter, permissionDenied } from '../api-error.ts';
import type { LabJob, LabState, LabVm, LabVolume } from '../state.ts';
import { disksOf, rootOf } from './named.ts';
import { stateFor } from './transition.ts';

const CDROM_DEVICE_ID = 3;

/** All rules of attachVolume run inside the job; the texts are the server's. */
export function checkAttach(state: LabState, { volume, vm, job }: { volume: LabVolume; vm: LabVm; job: LabJob }): void {
  const seen = stateFor(volume, job);
  if (volume.vmId !== null) throw invalidParameter('Please specify a volume that is not attached to any VM.');
  if (volume.removed || seen === 'Destroy') throw invalidParameter('Please specify a volume that is not destroyed.');
  if (vm.removed) throw invalidParameter('Please specify a valid User VM.');
  if (vm.state !== 'Running' && vm.state !== 'Stopped') {
    throw invalidParameter('Please specify a VM that is either running or stopped.');
  }
  if (volume.accountId !== vm.accountId) {
    throw permissionDenied(
      `Entity Volume [uuid: ${volume.id}] and entity VM [uuid: ${vm.id}] belong to different accounts`,
    );
  }
  if (seen === 'Attaching' || seen === 'Creating') {
    throw internalFailure(`Volume: ${volume.name} is in ${seen}. It should be in Ready or Allocated state`);
  }
  if (seen !== 'Allocated' && seen !== 'Ready') {
    throw invalidParameter('Volume state must be in Allocated, Ready or in Uploaded state');
  }
  const disks = disksOf(state, vm).filter((disk) => disk.type === 'DATADISK');
  if (disks.length >= state.settings.max_data_disks) {
    throw invalidParameter(
      `The specified VM already has the maximum number of data disks (${state.settings.max_data_disks}) attached. Please specify another VM.`,
    );
  }
}

/** What `deviceid` allows. 0 makes the volume the root disk, so it needs a VM that is off and has none. */
export function checkDeviceId(state: LabState, vm: LabVm, wanted: number | undefined): void {
  if (wanted === undefined) return;
  if (wanted === 0) {
    checkRootMoves(vm);
    if (rootOf(state, vm) !== undefined) throw invalidParameter('Vm already has root volume attached to it');
    return;
  }
  const highest = state.settings.max_data_disks + 1;
  if (wanted < 0 || wanted === CDROM_DEVICE_ID || wanted > highest) {
    throw internalFailure(`deviceId should be 0,1,2,4-${highest}`);
  }
  const holder = disksOf(state, vm).find((disk) => disk.deviceId === wanted);
  if (holder !== undefined) throw internalFailure(`deviceId ${wanted} is used by ${holder.name}`);
}

/** The lowest free of 1,2,4,5,..: 0 is the root disk and 3 the CD-ROM. `passOver`: so many free ones are left out. */
export function lowestDeviceId(state: LabState, vm: LabVm, passOver = 0): number {
  const used = new Set(disksOf(state, vm).map((disk) => disk.deviceId));
  const free: number[] = [];
  for (let id = 1; id <= state.settings.max_data_disks + 2; id += 1) {
    if (id !== CDROM_DEVICE_ID && !used.has(id)) free.push(id);
  }
  const chosen = free[passOver] ?? free[0];
  if (chosen === undefined) throw internalFailure('Unable to find a free device id');
  return chosen;
}

export function checkDetach(volume: LabVolume, vm: LabVm | undefined): LabVm {
  if (volume.removed) throw invalidParameter('Please specify a volume that is not destroyed.');
  if (volume.vmId === null || vm === undefined) {
    throw invalidParameter('The specified volume is not attached to a VM.');
  }
  if (volume.type === 'ROOT') checkRootMoves(vm);
  if (vm.state !== 'Running' && vm.state !== 'Stopped' && vm.state !== 'Destroyed') {
    throw invalidParameter('Please specify a VM that is either running or stopped.');
  }
  return vm;
}

function checkRootMoves(vm: LabVm): void {
  if (vm.state === 'Stopped' || vm.state === 'Destroyed') return;
  throw invalidParameter('Root volume detach can happen only when vm is in states: Stopped or Destroyed');
}
