import { macOf } from '../images/definition.ts';
import { uuidFrom } from '../random.ts';
import type { DatastoreName, FolderId, HostId, NetworkName } from './place.ts';

/** Where the first bytes of a disk come from. */
export type DiskContent =
  | { readonly from: 'image'; readonly path: string; readonly format: string }
  /** Made when it is first read; disks of one name are one disk. */
  | { readonly from: 'seed'; readonly name: string };

export type VmDisk = {
  readonly key: number;
  readonly controllerKey: number;
  readonly unit: number;
  readonly sizeBytes: number;
  readonly content: DiskContent;
  readonly provisioning: 'thin' | 'lazy' | 'eager';
  readonly mode: 'persistent' | 'independent_persistent' | 'independent_nonpersistent';
  readonly sharing: 'sharingNone' | 'sharingMultiWriter';
  readonly rdm: 'physicalMode' | 'virtualMode' | null;
  readonly encrypted: boolean;
  /** `folder/file` on the datastore of a disk that lies with another VM. */
  readonly stem?: string;
};

export type VmController = {
  readonly key: number;
  readonly type: string;
  readonly bus: number;
  readonly label: string;
  /** SCSI only. */
  readonly sharedBus?: 'noSharing' | 'physicalSharing';
};

export type VmNic = {
  readonly key: number;
  readonly type: 'VirtualVmxnet3' | 'VirtualE1000' | 'VirtualE1000e';
  readonly mac: string;
  readonly network: NetworkName;
  readonly connected: boolean;
  readonly addresses: readonly string[];
};

/** A VM as it was set up. What changes afterwards is in VmNow. */
export type VmPlan = {
  /** The instance UUID. */
  readonly vmId: string;
  readonly moref: string;
  readonly name: string;
  readonly biosUuid: string;
  readonly folder: FolderId;
  readonly host: HostId;
  readonly datastore: DatastoreName;
  /** Of its files on the datastore; not always the VM's name. */
  readonly directory: string;
  readonly fileName: string;
  readonly template: boolean;
  readonly cpuCount: number;
  readonly memoryMib: number;
  readonly firmware: 'bios' | 'efi';
  readonly secureBoot: boolean;
  readonly tpm: boolean;
  readonly guestId: string;
  readonly guestFullName: string;
  readonly annotation: string;
  readonly tools: 'running' | 'notRunning' | 'notInstalled';
  readonly power: 'poweredOn' | 'poweredOff';
  readonly cbt: boolean;
  readonly snapshots: readonly string[];
  readonly controllers: readonly VmController[];
  readonly disks: readonly VmDisk[];
  readonly nics: readonly VmNic[];
};

const pvscsi: VmController = { key: 1000, type: 'ParaVirtualSCSIController', bus: 0, label: 'SCSI controller 0' };

const MIB = 1024 * 1024;

export const plainDisk = (name: string, index: number, sizeMib: number): VmDisk => ({
  key: 2000 + index,
  controllerKey: 1000,
  unit: index,
  sizeBytes: sizeMib * MIB,
  content: { from: 'seed', name: `${name}-${index}` },
  provisioning: 'thin',
  mode: 'persistent',
  sharing: 'sharingNone',
  rdm: null,
  encrypted: false,
});

export const plainNic = (name: string): VmNic => ({
  key: 4000,
  type: 'VirtualVmxnet3',
  mac: macOf(`${name} 0`),
  network: 'VM Network',
  connected: true,
  addresses: [],
});

/** An ordinary VM: what an odd one does not say is like this. */
export const plainVm = (name: string, moref: string): VmPlan => ({
  vmId: uuidFrom(`vm ${moref} ${name}`),
  moref,
  name,
  biosUuid: uuidFrom(`bios ${moref} ${name}`),
  folder: 'group-v20',
  host: 'host-10',
  datastore: 'vmfs-01',
  directory: name,
  fileName: name,
  template: false,
  cpuCount: 2,
  memoryMib: 2048,
  firmware: 'bios',
  secureBoot: false,
  tpm: false,
  guestId: 'debian12_64Guest',
  guestFullName: 'Debian GNU/Linux 12 (64-bit)',
  annotation: '',
  tools: 'notRunning',
  power: 'poweredOff',
  cbt: false,
  snapshots: [],
  controllers: [pvscsi],
  disks: [plainDisk(name, 0, 16)],
  nics: [plainNic(name)],
});
