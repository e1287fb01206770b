import type { LabAccount, LabState, LabTag, LabVolume } from '../state.ts';
import { cloudDate } from './reply.ts';

export const CUSTOM_OFFERING = 'Custom';
export const FIXED_OFFERING = 'Small';
export const FIXED_OFFERING_GB = 5;
export const ZONE_NAME = 'lab-zone';

type Viewer = Pick<LabAccount, 'role'>;

/** Whose a thing is, as every reply says it. */
export const ownerView = (state: LabState, accountId: string): Record<string, unknown> => ({
  account: state.accounts.find((account) => account.id === accountId)?.name,
  domainid: state.ids.domain,
  domain: 'ROOT',
});

/** A volume as listVolumes shows it. What does not apply is left out, never null; only the root admin sees the storage. */
export function volumeView(state: LabState, volume: LabVolume, viewer: Viewer): Record<string, unknown> {
  const { ids } = state;
  const vm = state.vms.find((candidate) => candidate.id === volume.vmId);
  const offering = volume.offeringId === ids.fixedOffering ? FIXED_OFFERING : CUSTOM_OFFERING;
  const job = state.jobs.find((candidate) => candidate.volumeId === volume.id && candidate.status === 0);
  return {
    id: volume.id,
    name: volume.name,
    zoneid: ids.zone,
    zonename: ZONE_NAME,
    type: volume.type,
    ...(vm === undefined
      ? {}
      : {
          deviceid: volume.deviceId,
          virtualmachineid: vm.id,
          vmname: vm.name,
          vmdisplayname: vm.displayName,
          vmstate: vm.state,
          attached: cloudDate(volume.attachedAtMs ?? 0),
        }),
    size: volume.sizeBytes,
    created: cloudDate(volume.createdAtMs),
    state: volume.state,
    ...ownerView(state, volume.accountId),
    provisioningtype: 'thin',
    ...(volume.offeringId === null
      ? { serviceofferingid: ids.computeOffering, serviceofferingname: 'Medium', serviceofferingdisplaytext: 'Medium' }
      : { diskofferingid: volume.offeringId, diskofferingname: offering, diskofferingdisplaytext: offering }),
    ...(volume.templateId === null ? {} : { templateid: volume.templateId }),
    ...(volume.snapshotId === null ? {} : { snapshotid: volume.snapshotId }),
    ...(viewer.role === 'admin' ? storageView(state, volume) : {}),
    destroyed: volume.state === 'Destroy' || volume.state === 'Expunged',
    isextractable: true,
    displayvolume: true,
    hasannotations: false,
    tags: tagViews(state, volume, 'Volume'),
    ...(job === undefined ? {} : { jobid: job.id, jobstatus: 0 }),
  };
}

function storageView({ ids }: LabState, volume: LabVolume): Record<string, unknown> {
  if (volume.state === 'Allocated' || volume.state === 'Creating') {
    return { hypervisor: 'None', storagetype: 'shared', storage: 'none' };
  }
  return { hypervisor: 'KVM', storagetype: 'shared', storage: volume.pool, storageid: ids.pool, path: volume.id };
}

type Tagged = { readonly id: string; readonly accountId: string; readonly tags: readonly LabTag[] };

export const tagViews = (state: LabState, tagged: Tagged, type: 'Volume' | 'UserVm'): Record<string, unknown>[] =>
  tagged.tags.map((tag) => ({
    key: tag.key,
    value: tag.value,
    resourcetype: type,
    resourceid: tagged.id,
    ...ownerView(state, tagged.accountId),
  }));

/** As the result of a job shows it: without the job itself. */
export function volumeResult(state: LabState, volume: LabVolume, accountId: string): Record<string, unknown> {
  const viewer = state.accounts.find((account) => account.id === accountId) ?? { role: 'user' };
  const { jobid: _jobId, jobstatus: _jobStatus, ...view } = volumeView(state, volume, viewer);
  return { volume: view };
}
