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
};

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
  attachVolume(volumeId: string, vmId: string, options: Signalled): Promise<{ readonly jobId: string }>;
  detachVolume(volumeId: string, options: Signalled): Promise<{ readonly jobId: string }>;
  deleteVolume(volumeId: string, options: Signalled): Promise<void>;
  job(jobId: string, options: Signalled): Promise<CloudJob>;
  volume(volumeId: string, options: Signalled): Promise<CloudVolume | null>;
  volumesNamed(name: string, options: Signalled): Promise<readonly CloudVolume[]>;
  volumesOfVm(vmId: string, options: Signalled): Promise<readonly CloudVolume[]>;
};
