import { AppError } from '../../../shared/errors.ts';
import type { Cloud, CloudVm, CloudVolume } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { isParameterRefusal } from './failures.ts';
import {
  readCreated,
  readDiskOfferings,
  readJob,
  readStarted,
  readSucceeded,
  readVms,
  readVolumes,
  readZones,
} from './replies.ts';
import type { Parameters } from './signature.ts';
import { type CloudStackOptions, createTransport, type Transport } from './transport.ts';

const PAGE_SIZE = 500;

/** CloudStack's API as a migration needs it. Thin: what CloudStack says is passed on in its own words. */
export function createCloudStack(options: CloudStackOptions): Cloud {
  const transport = createTransport(options);
  const { read, write } = transport;
  return {
    createVolume: async ({ name, sizeGib, diskOfferingId, zoneId }, signalled) => {
      const parameters = { name, size: String(sizeGib), diskofferingid: diskOfferingId, zoneid: zoneId };
      return readCreated('createVolume', await write('createVolume', parameters, signalled));
    },
    attachVolume: async (volumeId, vmId, signalled) => {
      // Never a deviceid: the server chooses, and nothing is derived from its choice (rule D2).
      const parameters = { id: volumeId, virtualmachineid: vmId };
      return readStarted('attachVolume', await write('attachVolume', parameters, signalled));
    },
    attachRootVolume: async (volumeId, vmId, signalled) => {
      const parameters = { id: volumeId, virtualmachineid: vmId, deviceid: '0' };
      return readStarted('attachVolume', await write('attachVolume', parameters, signalled));
    },
    tagVolume: async (volumeId, tags, signalled) => {
      const listed = Object.entries(tags).flatMap(([key, value], index) => [
        [`tags[${String(index)}].key`, key],
        [`tags[${String(index)}].value`, value],
      ]);
      const parameters = { resourceids: volumeId, resourcetype: 'Volume', ...Object.fromEntries(listed) };
      return readStarted('createTags', await write('createTags', parameters, signalled));
    },
    stopVm: async (vmId, { forced, signal }) =>
      readStarted(
        'stopVirtualMachine',
        await write('stopVirtualMachine', { id: vmId, forced: String(forced) }, { signal }),
      ),
    destroyVm: async (vmId, signalled) => {
      const parameters = { id: vmId, expunge: 'true' };
      return readStarted('destroyVirtualMachine', await write('destroyVirtualMachine', parameters, signalled));
    },
    detachVolume: async (volumeId, signalled) =>
      readStarted('detachVolume', await write('detachVolume', { id: volumeId }, signalled)),
    deleteVolume: async (volumeId, signalled) => {
      if (readSucceeded('deleteVolume', await write('deleteVolume', { id: volumeId }, signalled))) return;
      throw new AppError('CLOUD_REFUSED', `deleteVolume: CloudStack did not delete ${volumeId}.`);
    },
    job: async (jobId, signalled) => {
      try {
        return readJob(await read('queryAsyncJobResult', { jobid: jobId }, signalled));
      } catch (error) {
        if (isParameterRefusal(error)) return { state: 'unknown' };
        throw error;
      }
    },
    volume: (volumeId, signalled) => findVolume(transport, volumeId, signalled),
    volumesNamed: async (name, signalled) => {
      // The server's comparison follows its database's collation; ours is exact.
      const volumes = await listVolumes(transport, { name }, signalled);
      return volumes.filter((volume) => volume.name === name);
    },
    vm: (vmId, signalled) => findVm(transport, vmId, signalled),
    zones: async (signalled) => readZones(await read('listZones', {}, signalled)),
    diskOfferings: async (signalled) =>
      readDiskOfferings(await read('listDiskOfferings', { listall: 'true' }, signalled)),
    volumesOfVm: (vmId, signalled) => listVolumes(transport, { virtualmachineid: vmId }, signalled),
  };
}

/** A UUID that CloudStack does not know is refused by a text; that of a removed volume finds nothing. */
async function findVolume(transport: Transport, volumeId: string, signalled: Signalled): Promise<CloudVolume | null> {
  try {
    const volumes = await listVolumes(transport, { id: volumeId }, signalled);
    return volumes.find((volume) => volume.id === volumeId) ?? null;
  } catch (error) {
    if (isParameterRefusal(error) && /Invalid parameter id value=/.test(error.message)) return null;
    throw error;
  }
}

async function findVm({ read }: Transport, vmId: string, signalled: Signalled): Promise<CloudVm | null> {
  try {
    const vms = readVms(await read('listVirtualMachines', { id: vmId, listall: 'true' }, signalled));
    return vms.find((vm) => vm.id === vmId) ?? null;
  } catch (error) {
    if (isParameterRefusal(error) && /Invalid parameter id value=/.test(error.message)) return null;
    throw error;
  }
}

/** Every page. A volume that moves between pages while we read is taken once. */
async function listVolumes(
  { read }: Transport,
  filter: Parameters,
  signalled: Signalled,
): Promise<readonly CloudVolume[]> {
  const found = new Map<string, CloudVolume>();
  for (let page = 1; ; page += 1) {
    const paging = { listall: 'true', page: String(page), pagesize: String(PAGE_SIZE) };
    const { volumes, total } = readVolumes(await read('listVolumes', { ...filter, ...paging }, signalled));
    for (const volume of volumes) found.set(volume.id, volume);
    const last = total === null ? volumes.length < PAGE_SIZE : volumes.length === 0 || page * PAGE_SIZE >= total;
    if (last) return [...found.values()];
  }
}
