/** A virtual machine as its source describes it. Identity is (sourceKind, sourceId, vmId, diskKey), never a name. */
export type SourceVm = {
  readonly sourceKind: 'images' | 'vsphere';
  /** The site: for images the id of the folder's site, for vSphere the vCenter's instance UUID. */
  readonly sourceId: string;
  /** UUID that the definition gives (vSphere: instanceUuid). */
  readonly vmId: string;
  readonly name: string;
  readonly cpuCount: number;
  readonly memoryMib: number;
  readonly firmware: 'bios' | 'efi';
  readonly guestOs: string;
  readonly powerState: 'on' | 'off';
  readonly disks: readonly SourceDisk[];
  readonly nics: readonly SourceNic[];
};

export type SourceDisk = {
  /** VMware device key, e.g. 2000; unique in the VM. */
  readonly key: number;
  /** As the field shows it: `Hard disk 1`. */
  readonly label: string;
  /** `SCSI (0:0)` */
  readonly unit: string;
  readonly capacityBytes: number;
  readonly image: SourceImage;
};

/** Which source disk a replica is for, over renames and new migrations. */
export const sourceDiskId = (vm: Pick<SourceVm, 'sourceKind' | 'sourceId' | 'vmId'>, diskKey: number): string =>
  [vm.sourceKind, vm.sourceId, vm.vmId, String(diskKey)].join('/');

/** Where the bytes of one disk are. For `ova`, `member` is the disk file inside the archive. */
export type SourceImage = {
  readonly path: string;
  readonly format: 'raw' | 'qcow2' | 'vmdk' | 'ova';
  readonly member?: string | undefined;
};

export type SourceNic = {
  readonly label: string;
  readonly mac: string;
  readonly network: string;
};
