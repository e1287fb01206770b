import type { DeviceMapping } from '../../shared/contract/volumes.ts';

/** A block device of the appliance as its kernel shows it at one moment. Never stored as truth: see Mapping. */
export type BlockDevice = {
  /** Kernel name, e.g. `vdc`. */
  readonly name: string;
  /** Path under the host root, e.g. `/dev/vdc`. */
  readonly path: string;
  /** Kernel identity: `major:minor` of a block device, `st_dev:st_ino` of a file standing in for one. */
  readonly dev: string;
  readonly sizeBytes: number;
  /** Rises with every disk that takes this name within one boot (`/sys/block/X/diskseq`); null on kernels without it. */
  readonly diskseq: string | null;
  /** virtio or SCSI serial; empty when the disk has none (the root disk, hypervisors other than KVM). */
  readonly serial: string;
  /** What uses the disk or a partition of it: LVM, md, multipath, dm-crypt, a mount, swap (rule D6). */
  readonly holders: readonly string[];
  /** Another device to which `dev/disk/by-id` leads under this disk's serial: udev and the kernel contradict each other. */
  readonly byIdLeadsTo?: string;
};

export type HostSnapshot = {
  readonly bootId: string;
  readonly devices: readonly BlockDevice[];
};

/** What proved that a device is a volume. */
export type Evidence =
  | { readonly kind: 'serial'; readonly serial: string; readonly excessBytes: number }
  | { readonly kind: 'only-new-device'; readonly sizeBytes: number };

/** As the contract shows it. */
export const evidenceDocument = (evidence: Evidence): DeviceMapping['evidence'] =>
  evidence.kind === 'serial'
    ? { kind: 'serial', serial: evidence.serial, excess_bytes: evidence.excessBytes }
    : { kind: 'only-new-device', size_bytes: evidence.sizeBytes };

/** An observation with an expiry: true from `observedAt` until `endedAt`, within one boot of one host. */
export type Mapping = {
  readonly id: string;
  readonly volumeId: string;
  readonly hostId: string;
  readonly vmId: string;
  readonly device: Omit<BlockDevice, 'holders'>;
  readonly bootId: string;
  readonly evidence: Evidence;
  readonly observedAt: string;
  readonly endedAt: string | null;
  readonly endedBecause: string | null;
};
