import { expect, test } from 'vitest';
import type { VmDisk } from '../../domain/vm-spec.ts';
import { folderUrl } from './folder.ts';

const disk: VmDisk = {
  key: 2000,
  label: 'Hard disk 1',
  unit: 'SCSI (0:0)',
  controller: 'ParaVirtualSCSIController',
  capacityBytes: 1024,
  datastore: 'ds & 1',
  datastoreMoRef: 'datastore-1',
  vmdkPath: '[ds & 1] Zürich #1/a b.vmdk',
  parentPaths: [],
  provisioning: 'thin',
  mode: 'persistent',
  sharing: 'none',
  rdm: null,
  encrypted: false,
  uuid: null,
  backing: 'VirtualDiskFlatVer2BackingInfo',
  changeId: null,
};
const vm = { datacenterPath: 'Sites/DC 1' };
const url = 'https://vcenter.example:8443/sdk';

test('the flat file of a disk, with names as they come', () => {
  expect(folderUrl(url, vm, disk)).toBe(
    'https://vcenter.example:8443/folder/Z%C3%BCrich%20%231/a%20b-flat.vmdk?dcPath=Sites%2FDC%201&dsName=ds%20%26%201',
  );
});

test.each<[string, Partial<VmDisk>]>([
  ['a raw device mapping', { rdm: 'virtual' }],
  ['an encrypted disk', { encrypted: true }],
  ['a disk with snapshots', { parentPaths: ['[ds & 1] a.vmdk'] }],
  ['another kind of backing', { backing: 'VirtualDiskSeSparseBackingInfo' }],
  ['no path', { vmdkPath: null }],
])('rule M7: %s cannot be read there', (_what, odd) => {
  expect(() => folderUrl(url, vm, { ...disk, ...odd })).toThrow(
    expect.objectContaining({
      code: 'SOURCE_UNREADABLE',
      details: expect.objectContaining({ disk_key: 2000 }) as object,
    }),
  );
});

test('a datacenter that this user may not see', () => {
  expect(() => folderUrl(url, { datacenterPath: null }, disk)).toThrow(
    expect.objectContaining({ code: 'SOURCE_UNREADABLE' }),
  );
});
