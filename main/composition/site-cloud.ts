import type { Cloud } from '../ports/cloud.ts';

/** The cloud of the moment: the lab may come back under another address, a site may be set up later. */
export function siteCloud(current: () => Cloud): Cloud {
  return {
    createVolume: async (request, options) => await current().createVolume(request, options),
    attachVolume: async (volumeId, vmId, options) => await current().attachVolume(volumeId, vmId, options),
    attachRootVolume: async (volumeId, vmId, options) => await current().attachRootVolume(volumeId, vmId, options),
    detachVolume: async (volumeId, options) => await current().detachVolume(volumeId, options),
    tagVolume: async (volumeId, tags, options) => await current().tagVolume(volumeId, tags, options),
    deleteVolume: async (volumeId, options) => {
      await current().deleteVolume(volumeId, options);
    },
    job: async (jobId, options) => await current().job(jobId, options),
    volume: async (volumeId, options) => await current().volume(volumeId, options),
    volumesNamed: async (name, options) => await current().volumesNamed(name, options),
    volumesOfVm: async (vmId, options) => await current().volumesOfVm(vmId, options),
    vm: async (vmId, options) => await current().vm(vmId, options),
    stopVm: async (vmId, options) => await current().stopVm(vmId, options),
    destroyVm: async (vmId, options) => await current().destroyVm(vmId, options),
    zones: async (options) => await current().zones(options),
    diskOfferings: async (options) => await current().diskOfferings(options),
  };
}
