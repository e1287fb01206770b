/** A virtual machine as its vCenter describes it. `null`: vCenter does not say, or this user may not see it. */
export type VmSpec = {
  /** E.g. `vm-42`: unique in its vCenter, and opaque. */
  readonly moRef: string;
  /** Identity over renames and moves. */
  readonly instanceUuid: string | null;
  readonly biosUuid: string | null;
  readonly name: string;
  /** `/DC0/vm/Web`. Inside of names `/`, `\` and `%` stay escaped as vCenter writes them, so that the path has one meaning. */
  readonly folderPath: string | null;
  readonly datacenter: string | null;
  /** As `/folder` wants it in `dcPath`. */
  readonly datacenterPath: string | null;
  readonly host: string | null;
  readonly hostMoRef: string | null;
  readonly cpuCount: number | null;
  readonly memoryMib: number | null;
  readonly firmware: 'bios' | 'efi' | null;
  readonly secureBoot: boolean | null;
  readonly tpm: boolean;
  readonly guestId: string | null;
  readonly guestName: string | null;
  readonly guestHostName: string | null;
  readonly powerState: VmPowerState | null;
  /** Whether vCenter can speak with the VM's host at all: `connected`, `disconnected`, `orphaned`, ... */
  readonly connectionState: string | null;
  readonly tools: VmTools;
  readonly annotation: string | null;
  readonly snapshots: readonly VmSnapshot[];
  readonly changeTracking: boolean | null;
  /** Rises with every change of the configuration (rule M7). */
  readonly changeVersion: string | null;
  readonly consolidationNeeded: boolean | null;
  readonly isTemplate: boolean;
  /** `vmx-19` */
  readonly hardwareVersion: string | null;
  readonly disks: readonly VmDisk[];
  readonly nics: readonly VmNic[];
};

export type VmPowerState = 'on' | 'off' | 'suspended';

export type VmTools = { readonly running: boolean; readonly versionStatus: string | null };

export type VmSnapshot = {
  readonly moRef: string;
  readonly name: string;
  readonly createdAt: string | null;
  /** The power state that was frozen. */
  readonly state: VmPowerState;
  readonly children: readonly VmSnapshot[];
};

export type VmDisk = {
  readonly key: number;
  /** `Hard disk 1` */
  readonly label: string;
  /** `SCSI (0:1)`; null without a known controller. */
  readonly unit: string | null;
  /** `ParaVirtualSCSIController` */
  readonly controller: string | null;
  readonly capacityBytes: number;
  readonly datastore: string | null;
  readonly datastoreMoRef: string | null;
  /** `[datastore1] web/web-000001.vmdk` */
  readonly vmdkPath: string | null;
  /** From the nearest parent to the base: what snapshots and linked clones were made of. */
  readonly parentPaths: readonly string[];
  readonly provisioning: 'thin' | 'lazy' | 'eager' | null;
  /** `persistent`, `independent_persistent`, ... */
  readonly mode: string | null;
  readonly sharing: 'none' | 'multi_writer' | 'virtual_bus' | 'physical_bus';
  readonly rdm: 'physical' | 'virtual' | null;
  readonly encrypted: boolean;
  readonly uuid: string | null;
  /** vCenter's name of the kind, e.g. `VirtualDiskFlatVer2BackingInfo`. */
  readonly backing: string | null;
  /** Only with change tracking; for a copy it is read from a snapshot's disks (rule J6). */
  readonly changeId: string | null;
};

export type VmNic = {
  readonly key: number;
  /** `Network adapter 1` */
  readonly label: string;
  readonly mac: string | null;
  readonly adapter: 'vmxnet3' | 'vmxnet2' | 'vmxnet' | 'e1000' | 'e1000e' | 'pcnet32' | 'sriov' | null;
  readonly network: string | null;
  readonly networkMoRef: string | null;
  readonly connected: boolean | null;
  readonly guestAddresses: readonly string[];
};

/** The tree as a list, parents first. */
export const allSnapshots = (tree: readonly VmSnapshot[]): VmSnapshot[] =>
  tree.flatMap((one) => [one, ...allSnapshots(one.children)]);
