import { ApiError, internalFailure, invalidParameter } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import type { LabJob, LabState, LabVm, LabVolume } from '../state.ts';

const CDROM_DEVICE_ID = 3;

/** All rules of attachVolume run inside the job; the texts are the server's. */
export function checkAttach(state: LabState, volume: LabVolume, vm: LabVm | undefined): LabVm {
  if (volume.vmId !== null) throw invalidParameter('Please specify a volume that is not attached to any VM.');
  if (volume.removed) throw invalidParameter('Please specify a volume that is not destroyed.');
  if (vm === undefined) throw invalidParameter('Please specify a valid User VM.');
  if (volume.state === 'Attaching') {
    throw internalFailure(`Volume: ${volume.name} is in Attaching. It should be in Ready or Allocated state`);
  }
  if (volume.state !== 'Allocated' && volume.state !== 'Ready') {
    throw invalidParameter('Volume state must be in Allocated, Ready or in Uploaded state');
  }
  const disks = state.volumes.filter((other) => other.vmId === vm.id && !other.removed && other.type === 'DATADISK');
  if (disks.length >= state.settings.max_data_disks) {
    throw invalidParameter(
      `The specified VM already has the maximum number of data disks (${state.settings.max_data_disks}) attached. Please specify another VM.`,
    );
  }
  return vm;
}

/** The lowest free of 1,2,4,5,..: 0 is the root disk and 3 the CD-ROM. */
export function chooseDeviceId(state: LabState, vm: LabVm, job: LabJob): number {
  const used = new Map(
    state.volumes.filter((other) => other.vmId === vm.id && !other.removed).map((other) => [other.deviceId, other]),
  );
  const highest = state.settings.max_data_disks + 1;
  const wanted = job.wantedDeviceId;
  if (wanted !== null) {
    if (wanted === 0) throw invalidParameter('Vm already has root volume attached to it');
    if (wanted === CDROM_DEVICE_ID || wanted > highest) {
      throw internalFailure(`deviceId should be 0,1,2,4-${highest}`);
    }
    const holder = used.get(wanted);
    if (holder !== undefined) throw internalFailure(`deviceId ${wanted} is used by ${holder.name}`);
    return wanted;
  }
  const occasion = { command: job.command, volumeId: job.volumeId, only: ['deviceid-gap'] } as const;
  let passOver = takeFault(state.faults, 'device', occasion) === null ? 0 : 1;
  for (let id = 1; id <= highest + 1; id += 1) {
    if (id === CDROM_DEVICE_ID || used.has(id)) continue;
    if (passOver === 0) return id;
    passOver -= 1;
  }
  throw new ApiError(530, 4250, 'Unable to find a free device id');
}

export function checkDetach(volume: LabVolume): void {
  if (volume.removed) throw invalidParameter('Please specify a volume that is not destroyed.');
  if (volume.vmId === null) throw invalidParameter('The specified volume is not attached to a VM.');
}
