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

export type CloudZone = { readonly id: string; readonly name: string };

export type CloudDiskOffering = {
  readonly id: string;
  readonly name: string;
  /** Takes any whole number of GiB; otherwise `sizeGib` is what it gives. */
  readonly customSize: boolean;
  readonly sizeGib: number | null;
};

export type CloudVm = {
  readonly id: string;
  readonly name: string;
  /** Running, Stopped, Starting, Stopping, Destroyed, Expunging, Error, … */
  readonly state: string;
  readonly tags: Readonly<Record<string, string>>;
};

type Started = { readonly jobId: string };

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
  attachVolume(volumeId: string, vmId: string, options: Signalled): Promise<Started>;
  /** As device 0, which makes it the VM's root disk; the VM must be stopped and have none. */
  attachRootVolume(volumeId: string, vmId: string, options: Signalled): Promise<Started>;
  detachVolume(volumeId: string, options: Signalled): Promise<Started>;
  tagVolume(volumeId: string, tags: Readonly<Record<string, string>>, options: Signalled): Promise<Started>;
  deleteVolume(volumeId: string, options: Signalled): Promise<void>;
  job(jobId: string, options: Signalled): Promise<CloudJob>;
  volume(volumeId: string, options: Signalled): Promise<CloudVolume | null>;
  volumesNamed(name: string, options: Signalled): Promise<readonly CloudVolume[]>;
  volumesOfVm(vmId: string, options: Signalled): Promise<readonly CloudVolume[]>;
  vm(vmId: string, options: Signalled): Promise<CloudVm | null>;
  stopVm(vmId: string, options: Signalled & { readonly forced: boolean }): Promise<Started>;
  /** Expunges it, and whatever is its root disk then. */
  destroyVm(vmId: string, options: Signalled): Promise<Started>;
  zones(options: Signalled): Promise<readonly CloudZone[]>;
  diskOfferings(options: Signalled): Promise<readonly CloudDiskOffering[]>;
};
