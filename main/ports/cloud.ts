import type { Signalled } from './signalled.ts';

export type CloudVolume = {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly type: 'ROOT' | 'DATADISK';
  readonly sizeBytes: number;
  readonly zoneId: string;
  readonly vmId: string | null;
  readonly deviceId: number | null;
  /** A job of the cloud that works on this volume now; after a lost reply this is how it is found again. */
  readonly pendingJobId: string | null;
  readonly tags: Readonly<Record<string, string>>;
};

export type CloudVm = {
  readonly id: string;
  readonly name: string;
  /** In CloudStack's own words: Running, Stopped, Starting, Stopping, Destroyed, Expunging, Error, ... */
  readonly state: string;
  readonly zoneId: string;
  readonly tags: Readonly<Record<string, string>>;
};

export type CloudSnapshot = {
  readonly id: string;
  readonly name: string;
  readonly volumeId: string;
  /** BackedUp: it can be used. */
  readonly state: string;
};

export type CloudZone = { readonly id: string; readonly name: string };

export type CloudDiskOffering = {
  readonly id: string;
  readonly name: string;
  /** null: whoever makes a volume says its size. */
  readonly sizeGib: number | null;
};

/** null: this key may not see it, or there is none. */
export type CloudLimits = {
  readonly largestVolumeGib: number | null;
  readonly volumesLeft: number | null;
};

export type Started = { readonly jobId: string };

export type CloudJob =
  | { readonly state: 'pending' }
  | { readonly state: 'succeeded' }
  | { readonly state: 'failed'; readonly code: number; readonly text: string }
  /** The server no longer knows the job (expired, or restarted without it): look at the object instead. */
  | { readonly state: 'unknown' };

/** What a migration needs from CloudStack. Errors: CLOUD_*. Only reads are retried inside. */
export type Cloud = {
  createVolume(
    request: {
      readonly name: string;
      readonly sizeGib: number;
      readonly diskOfferingId: string;
      readonly zoneId: string;
    },
    options: Signalled,
  ): Promise<{ readonly jobId: string; readonly volumeId: string }>;
  /** As large as the snapshot, with its bytes. */
  createVolumeFromSnapshot(
    request: { readonly name: string; readonly snapshotId: string; readonly zoneId: string },
    options: Signalled,
  ): Promise<{ readonly jobId: string; readonly volumeId: string }>;
  /** `deviceId: 0` makes it the root disk of a VM that is off; any other number is the server's to choose (rule D2). */
  attachVolume(volumeId: string, vmId: string, options: Signalled & { readonly deviceId?: 0 }): Promise<Started>;
  detachVolume(volumeId: string, options: Signalled): Promise<Started>;
  deleteVolume(volumeId: string, options: Signalled): Promise<void>;
  /** Sets these tags and leaves the others. */
  tag(volumeId: string, tags: Readonly<Record<string, string>>, options: Signalled): Promise<Started>;
  job(jobId: string, options: Signalled): Promise<CloudJob>;
  volume(volumeId: string, options: Signalled): Promise<CloudVolume | null>;
  volumesNamed(name: string, options: Signalled): Promise<readonly CloudVolume[]>;
  volumesOfVm(vmId: string, options: Signalled): Promise<readonly CloudVolume[]>;
  createSnapshot(
    volumeId: string,
    options: Signalled & { readonly name: string },
  ): Promise<{ readonly jobId: string; readonly snapshotId: string }>;
  deleteSnapshot(snapshotId: string, options: Signalled): Promise<Started>;
  /** All of a volume: a lost reply to createSnapshot is found again by its name. */
  snapshotsOf(volumeId: string, options: Signalled): Promise<readonly CloudSnapshot[]>;
  vm(vmId: string, options: Signalled): Promise<CloudVm | null>;
  startVm(vmId: string, options: Signalled): Promise<Started>;
  stopVm(vmId: string, options: Signalled & { readonly forced: boolean }): Promise<Started>;
  /** Takes whatever is ROOT with it, also a disk that was swapped in: detach that first to keep it. */
  destroyVm(vmId: string, options: Signalled & { readonly expunge: boolean }): Promise<Started>;
  zones(options: Signalled): Promise<readonly CloudZone[]>;
  diskOfferings(options: Signalled): Promise<readonly CloudDiskOffering[]>;
  limits(options: Signalled): Promise<CloudLimits>;
};
