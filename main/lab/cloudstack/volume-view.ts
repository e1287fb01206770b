import type { LabState, LabVolume } from '../state.ts';
import { cloudDate } from './reply.ts';

export const CUSTOM_OFFERING = 'Custom';
export const FIXED_OFFERING = 'Small';
export const FIXED_OFFERING_GB = 5;
export const ZONE_NAME = 'lab-zone';

/** A volume as listVolumes and the job's result show it to a root admin. What does not apply is left out, never null. */
export function volumeView(state: LabState, volume: LabVolume): Record<string, unknown> {
  const { ids } = state;
  const vm = state.vms.find((candidate) => candidate.id === volume.vmId);
  const placed = volume.state !== 'Allocated' && volume.state !== 'Creating';
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
          vmdisplayname: vm.name,
          vmstate: vm.state,
          attached: cloudDate(volume.attachedAtMs ?? 0),
        }),
    size: volume.sizeBytes,
    created: cloudDate(volume.createdAtMs),
    state: volume.state,
    account: 'admin',
    domainid: ids.domain,
    domain: 'ROOT',
    storagetype: 'shared',
    provisioningtype: 'thin',
    hypervisor: placed ? 'KVM' : 'None',
    ...(volume.offeringId === null
      ? { serviceofferingid: ids.computeOffering, serviceofferingname: 'Medium', serviceofferingdisplaytext: 'Medium' }
      : { diskofferingid: volume.offeringId, diskofferingname: offering, diskofferingdisplaytext: offering }),
    ...(placed ? { storage: 'primary-1', storageid: ids.pool, path: volume.id } : { storage: 'none' }),
    destroyed: false,
    isextractable: true,
    displayvolume: true,
    hasannotations: false,
    tags: tagViews(state, volume),
    ...(job === undefined ? {} : { jobid: job.id, jobstatus: 0 }),
  };
}

export const tagViews = (state: LabState, volume: LabVolume): Record<string, unknown>[] =>
  volume.tags.map((tag) => ({
    key: tag.key,
    value: tag.value,
    resourcetype: 'Volume',
    resourceid: volume.id,
    account: 'admin',
    domainid: state.ids.domain,
    domain: 'ROOT',
  }));
