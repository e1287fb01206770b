import type { Cloud } from '../ports/cloud.ts';

/** The cloud of the moment: the lab may come back under another address, a site may be set up later. */
export function siteCloud(current: () => Cloud): Cloud {
  return {
    createVolume: async (request, options) => await current().createVolume(request, options),
    createVolumeFromSnapshot: async (request, options) => await current().createVolumeFromSnapshot(request, options),
    attachVolume: async (volumeId, vmId, options) => await current().attachVolume(volumeId, vmId, options),
    detachVolume: async (volumeId, options) => await current().detachVolume(volumeId, options),
    deleteVolume: async (volumeId, options) => {
      await current().deleteVolume(volumeId, options);
    },
    tag: async (volumeId, tags, options) => await current().tag(volumeId, tags, options),
    job: async (jobId, options) => await current().job(jobId, options),
    volume: async (volumeId, options) => await current().volume(volumeId, options),
    volumesNamed: async (name, options) => await current().volumesNamed(name, options),
    volumesOfVm: async (vmId, options) => await current().volumesOfVm(vmId, options),
    createSnapshot: async (volumeId, options) => await current().createSnapshot(volumeId, options),
    deleteSnapshot: async (snapshotId, options) => await current().deleteSnapshot(snapshotId, options),
    snapshotsOf: async (volumeId, options) => await current().snapshotsOf(volumeId, options),
    vm: async (vmId, options) => await current().vm(vmId, options),
    startVm: async (vmId, options) => await current().startVm(vmId, options),
    stopVm: async (vmId, options) => await current().stopVm(vmId, options),
    destroyVm: async (vmId, options) => await current().destroyVm(vmId, options),
    zones: async (options) => await current().zones(options),
    diskOfferings: async (options) => await current().diskOfferings(options),
    limits: async (options) => await current().limits(options),
  };
}
