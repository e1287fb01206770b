/** The fixed places of the lab's only datacenter. */
export const datacenter = { id: 'datacenter-2', name: 'DC-Lab' } as const;

/** Names as vCenter gives them out: slash, backslash and percent sign escaped. */
export const folders = {
  'group-v3': { name: 'vm', parent: 'datacenter-2' },
  'group-v20': { name: 'Production', parent: 'group-v3' },
  'group-v21': { name: 'Test %2f QA', parent: 'group-v3' },
  'group-v22': { name: 'Größe & Maß', parent: 'group-v20' },
} as const satisfies Record<string, { readonly name: string; readonly parent: string }>;
export type FolderId = keyof typeof folders;

export const hosts = {
  'host-10': { name: 'esx01.lab.example' },
  'host-11': { name: 'esx02.lab.example' },
} as const;
export type HostId = keyof typeof hosts;

const GIB = 1024 ** 3;
export const datastores = {
  'vmfs-01': { id: 'datastore-30', type: 'VMFS', capacityBytes: 8192 * GIB },
  'nfs-01': { id: 'datastore-31', type: 'NFS', capacityBytes: 2048 * GIB },
  vsanDatastore: { id: 'datastore-32', type: 'vsan', capacityBytes: 16_384 * GIB },
} as const;
export type DatastoreName = keyof typeof datastores;

export const networks = {
  'VM Network': { id: 'network-40', type: 'Network' },
  Backup: { id: 'network-41', type: 'Network' },
  'dvpg-prod-120': { id: 'dvportgroup-42', type: 'DistributedVirtualPortgroup' },
} as const;
export type NetworkName = keyof typeof networks;

export const dvSwitch = {
  id: 'dvs-43',
  name: 'DSwitch',
  uuid: '50 0c 5d 3e 12 9a 4b 77-a1 c4 d2 09 8e 5b 6f 10',
} as const;
