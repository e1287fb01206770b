/** A virtual machine as its source describes it. Identity is (sourceKind, sourceId, vmId, diskKey), never a name. */
export type SourceVm = {
  readonly sourceKind: 'images' | 'vsphere';
  /** The site: for images the data directory's own id, for vSphere the id of the site. */
  readonly sourceId: string;
  /** UUID that the definition gives (vSphere: instanceUuid). */
  readonly vmId: string;
  readonly name: string;
  readonly cpuCount: number;
  readonly memoryMib: number;
  readonly firmware: 'bios' | 'efi';
  readonly guestOs: string;
  readonly powerState: 'on' | 'off' | 'suspended';
  /** Of a VM in a vCenter; its name there alone is no identity. */
  readonly folderPath?: string | null | undefined;
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

/** Where the bytes of one disk are. */
export type SourceImage = ImageFile | DatastoreFile | SnapshotDisk | RemoteDisk;

/** For `ova`, `member` is the disk file inside the archive. */
export type ImageFile = {
  readonly path: string;
  readonly format: 'raw' | 'qcow2' | 'vmdk' | 'ova';
  readonly member?: string | undefined;
};

/** A disk of a VM in a vCenter, read from its datastore while the VM is off (rule M7). */
export type DatastoreFile = {
  /** `[datastore1] web/web.vmdk` */
  readonly path: string;
  readonly format: 'datastore';
  readonly siteId: string;
  readonly vmMoRef: string;
  readonly diskKey: number;
  readonly capacityBytes: number;
};

/** A disk of a VM in a vCenter as a snapshot of ours froze it (rule J6). */
export type SnapshotDisk = {
  /** VMDK path of the frozen disk, as the snapshot's own configuration names it. */
  readonly path: string;
  readonly format: 'snapshot';
  readonly siteId: string;
  readonly vmMoRef: string;
  readonly snapshotMoRef: string;
  readonly diskKey: number;
  readonly capacityBytes: number;
  readonly reader: 'vddk' | 'lab';
};

/** A disk that a VMA reads and sends; this process never sees its bytes. */
export type RemoteDisk = {
  readonly path: string;
  readonly format: 'vma';
  /** Our site of the VMA. */
  readonly siteId: string;
  readonly vmId: string;
  readonly diskKey: number;
  readonly capacityBytes: number;
  /** null: as it lies on its datastore while the VM is off (rule M7). */
  readonly snapshotMoRef: string | null;
};

/** Read here, from a file; every other disk is reached through its site. */
export const isImageFile = (image: SourceImage): image is ImageFile => !('siteId' in image);

export type SourceNic = {
  readonly label: string;
  readonly mac: string;
  readonly network: string;
};
