import { AppError } from '../../../shared/errors.ts';
import type { Cloud, Started } from '../../ports/cloud.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { isParameterRefusal } from './failures.ts';
import { readLimits } from './limits.ts';
import { findOne, listAll } from './lists.ts';
import { records } from './records.ts';
import { readCreated, readJob, readStarted, readSucceeded } from './replies.ts';
import type { Parameters } from './signature.ts';
import { type CloudStackOptions, createTransport, type Transport } from './transport.ts';

const volumes = { command: 'listVolumes', record: records.volume };
const snapshots = { command: 'listSnapshots', record: records.snapshot };

/** CloudStack's API as a migration needs it. Thin: what CloudStack says is passed on in its own words. */
export function createCloudStack(options: CloudStackOptions): Cloud {
  const transport = createTransport(options);
  const { read } = transport;
  const start = async (command: string, parameters: Parameters, signalled: Signalled): Promise<Started> =>
    readStarted(command, await transport.write(command, parameters, signalled));
  return {
    ...volumeCalls(transport, start),
    ...machineCalls(transport, start),
    job: async (jobId, signalled) => {
      try {
        return readJob(await read('queryAsyncJobResult', { jobid: jobId }, signalled));
      } catch (error) {
        if (isParameterRefusal(error)) return { state: 'unknown' };
        throw error;
      }
    },
    zones: (signalled) => listAll(transport, { command: 'listZones', record: records.zone, filter: {} }, signalled),
    diskOfferings: (signalled) =>
      listAll(transport, { command: 'listDiskOfferings', record: records.diskOffering, filter: {} }, signalled),
    limits: (signalled) => readLimits(transport, signalled),
  };
}

type Start = (command: string, parameters: Parameters, signalled: Signalled) => Promise<Started>;

type VolumeCalls = Pick<
  Cloud,
  | 'createVolume'
  | 'createVolumeFromSnapshot'
  | 'attachVolume'
  | 'detachVolume'
  | 'deleteVolume'
  | 'tag'
  | 'volume'
  | 'volumesNamed'
  | 'volumesOfVm'
>;

function volumeCalls(transport: Transport, start: Start): VolumeCalls {
  const create = async (
    parameters: Parameters,
    signalled: Signalled,
  ): Promise<{ readonly jobId: string; readonly volumeId: string }> => {
    const { id, jobId } = readCreated('createVolume', await transport.write('createVolume', parameters, signalled));
    return { jobId, volumeId: id };
  };
  return {
    createVolume: ({ name, sizeGib, diskOfferingId, zoneId }, signalled) =>
      create({ name, size: String(sizeGib), diskofferingid: diskOfferingId, zoneid: zoneId }, signalled),
    createVolumeFromSnapshot: ({ name, snapshotId, zoneId }, signalled) =>
      create({ name, snapshotid: snapshotId, zoneid: zoneId }, signalled),
    attachVolume: (volumeId, vmId, { deviceId, ...signalled }) => {
      const asRoot = deviceId === undefined ? {} : { deviceid: String(deviceId) };
      return start('attachVolume', { id: volumeId, virtualmachineid: vmId, ...asRoot }, signalled);
    },
    detachVolume: (volumeId, signalled) => start('detachVolume', { id: volumeId }, signalled),
    deleteVolume: async (volumeId, signalled) => {
      if (readSucceeded('deleteVolume', await transport.write('deleteVolume', { id: volumeId }, signalled))) return;
      throw new AppError('CLOUD_REFUSED', `deleteVolume: CloudStack did not delete ${volumeId}.`);
    },
    tag: (volumeId, tags, signalled) => {
      const named: Record<string, string> = { resourceids: volumeId, resourcetype: 'Volume' };
      for (const [index, [key, value]] of Object.entries(tags).entries()) {
        named[`tags[${index}].key`] = key;
        named[`tags[${index}].value`] = value;
      }
      return start('createTags', named, signalled);
    },
    volume: (volumeId, signalled) => findOne(transport, { ...volumes, id: volumeId }, signalled),
    volumesNamed: async (name, signalled) => {
      // The server's comparison follows its database's collation; ours is exact.
      const found = await listAll(transport, { ...volumes, filter: { name } }, signalled);
      return found.filter((volume) => volume.name === name);
    },
    volumesOfVm: (vmId, signalled) => listAll(transport, { ...volumes, filter: { virtualmachineid: vmId } }, signalled),
  };
}

type MachineCalls = Pick<
  Cloud,
  'createSnapshot' | 'deleteSnapshot' | 'snapshotsOf' | 'vm' | 'startVm' | 'stopVm' | 'destroyVm'
>;

const machineCalls = (transport: Transport, start: Start): MachineCalls => ({
  createSnapshot: async (volumeId, { name, ...signalled }) => {
    const reply = await transport.write('createSnapshot', { volumeid: volumeId, name }, signalled);
    const { id, jobId } = readCreated('createSnapshot', reply);
    return { jobId, snapshotId: id };
  },
  deleteSnapshot: (snapshotId, signalled) => start('deleteSnapshot', { id: snapshotId }, signalled),
  snapshotsOf: (volumeId, signalled) => listAll(transport, { ...snapshots, filter: { volumeid: volumeId } }, signalled),
  vm: (vmId, signalled) =>
    findOne(transport, { command: 'listVirtualMachines', record: records.vm, id: vmId }, signalled),
  startVm: (vmId, signalled) => start('startVirtualMachine', { id: vmId }, signalled),
  stopVm: (vmId, { forced, ...signalled }) =>
    start('stopVirtualMachine', { id: vmId, forced: String(forced) }, signalled),
  destroyVm: (vmId, { expunge, ...signalled }) =>
    start('destroyVirtualMachine', { id: vmId, expunge: String(expunge) }, signalled),
});
