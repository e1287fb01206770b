import type { RemoteDisk, SourceVm } from '../../domain/vm.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { SourceSnapshots } from '../../ports/source-snapshots.ts';
import type { Sources } from '../../ports/sources.ts';
import type { VmaClient } from './client.ts';
import { remoteDisk } from './source-vm.ts';

/** Which VMA is meant, by the id of its site. */
export type ClientOf = (siteId: string) => VmaClient;

type List = (options: Signalled) => Promise<readonly SourceVm[]>;

/** Disks as their VMA sees them. */
export const vmaSources = (clientOf: ClientOf, list: List): Sources => ({
  list,
  state: async ({ image }, options) => {
    const { siteId, vmId, diskKey, snapshotMoRef } = remoteDisk(image);
    const body = { disk_key: diskKey, snapshot: snapshotMoRef };
    return await clientOf(siteId).call('readDiskState', { params: { vm_id: vmId }, body }, options);
  },
  // Of a snapshot, `changedAreas` tells what is in use; without one nothing tells of holes, and all of it is read.
  allocated: (image) => Promise.resolve([{ offset: 0, length: remoteDisk(image).capacityBytes }]),
});

/** Snapshots that a VMA takes, and removes, in its vCenters. */
export const vmaSnapshots = (clientOf: ClientOf): SourceSnapshots => ({
  method: (vm, options) => clientOf(vm.sourceId).call('getCopyMethod', { params: { vm_id: vm.vmId } }, options),
  freeze: async ({ vm, id, quiesce }, options) => {
    const client = clientOf(vm.sourceId);
    const frozen = await client.call('freezeVm', { params: { vm_id: vm.vmId }, body: { id, quiesce } }, options);
    return {
      snapshotMoRef: frozen.snapshot,
      disks: frozen.disks.map((disk) => {
        const image: RemoteDisk = {
          format: 'vma',
          path: disk.path,
          siteId: vm.sourceId,
          vmId: vm.vmId,
          diskKey: disk.disk_key,
          capacityBytes: disk.capacity_bytes,
          snapshotMoRef: frozen.snapshot,
        };
        return { key: disk.disk_key, capacityBytes: disk.capacity_bytes, image, changeId: disk.change_id };
      }),
    };
  },
  changedAreas: async ({ vm, snapshotMoRef, diskKey, capacityBytes, since, until }, options) => {
    const body = { snapshot: snapshotMoRef, disk_key: diskKey, capacity_bytes: capacityBytes, since, until };
    const { areas } = await clientOf(vm.sourceId).call(
      'readChangedAreas',
      { params: { vm_id: vm.vmId }, body },
      options,
    );
    return areas;
  },
  thaw: async ({ vm, id }, options) => {
    await clientOf(vm.sourceId).call('thawVm', { params: { vm_id: vm.vmId, id } }, options);
  },
});
