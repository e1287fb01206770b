import { ApiError, invalidParameter, permissionDenied } from '../api-error.ts';
import { takeFault } from '../faults.ts';
import { type LabAccount, type LabState, liveVolumes } from '../state.ts';
import type { Asked } from './call.ts';

/** Whose the new thing is: the caller's, or with `account` that of somebody for whom an admin acts. */
export function ownerFor(state: LabState, { parameters, caller }: Asked): LabAccount {
  const name = parameters.get('account');
  if (name === undefined || name === caller.name) return caller;
  if (caller.role !== 'admin') {
    throw permissionDenied(`Can't create/list resources for account ${name}, permission denied`);
  }
  const owner = state.accounts.find((account) => account.name === name);
  if (owner === undefined) throw invalidParameter(`Unable to find account ${name} in domain ${state.ids.domain}`);
  return owner;
}

const volumesUsed = (state: LabState, owner: LabAccount): number =>
  liveVolumes(state).filter((volume) => volume.accountId === owner.id).length;

/** max.account.volumes; the count goes up at allocation. */
export function checkVolumeLimit(state: LabState, owner: LabAccount, name: string): void {
  const used = volumesUsed(state, owner);
  const limit = state.settings.max_volumes;
  const forced = takeFault(state.faults, 'create', { command: 'createVolume', name, only: ['limit-535'] });
  if (used < limit && forced === null) return;
  throw new ApiError(
    535,
    4370,
    `Maximum amount of resources of Type = 'volume' for Account Name = ${owner.name} in Domain Id = ${state.ids.domain} is exceeded: Account Resource Limit = ${limit}, Current Account Resource Amount = ${used}, Requested Resource Amount = 1.`,
  );
}
