import { internalFailure } from '../api-error.ts';
import type { LabJob, LabSnapshot, LabState, LabVm, LabVolume } from '../state.ts';
import type { Parameters } from './parameters.ts';

function found<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) throw internalFailure(`The ${what} of the job is not known`);
  return thing;
}

export const volumeOf = ({ volumes }: LabState, { volumeId }: Pick<LabJob, 'volumeId'>): LabVolume =>
  found(
    volumes.find((volume) => volume.id === volumeId),
    'volume',
  );
export const vmOf = ({ vms }: LabState, { vmId }: Pick<LabJob, 'vmId'>): LabVm =>
  found(
    vms.find((vm) => vm.id === vmId),
    'VM',
  );
export const snapshotOf = ({ snapshots }: LabState, { snapshotId }: Pick<LabJob, 'snapshotId'>): LabSnapshot =>
  found(
    snapshots.find((snapshot) => snapshot.id === snapshotId),
    'snapshot',
  );

/** What `id` names; that it names something was checked with the parameters. */
export const namedVolume = (state: LabState, parameters: Parameters): LabVolume =>
  volumeOf(state, { volumeId: parameters.required('id') });

export const disksOf = (state: LabState, vm: LabVm): LabVolume[] =>
  state.volumes.filter((volume) => volume.vmId === vm.id && !volume.removed);

export const rootOf = (state: LabState, vm: LabVm): LabVolume | undefined =>
  disksOf(state, vm).find((volume) => volume.type === 'ROOT');
