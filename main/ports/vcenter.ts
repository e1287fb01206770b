import type { ErrorBody } from '../../shared/errors.ts';
import type { Extent } from '../domain/extent.ts';
import type { VmDisk, VmPowerState, VmSpec } from '../domain/vm-spec.ts';
import type { Signalled } from './signalled.ts';
import type { SnapshotLedger } from './snapshot-ledger.ts';

/** A managed object reference: the kind and an opaque name, never to be taken apart. */
export type MoRef = { readonly type: string; readonly value: string };

export type VcenterSite = {
  /** `https://vcenter.example/sdk` */
  readonly url: string;
  /** With its SSO domain: `administrator@vsphere.local`. */
  readonly username: string;
  /** Asked for at every sign-in, so that a locked vault is noticed and no copy is kept. */
  readonly password: () => Promise<string>;
  /** 64 lowercase hex digits of the certificate that a person accepted; nothing is sent to any other. */
  readonly certificateSha256: string;
};

export type VcenterCertificate = {
  readonly sha256: string;
  readonly subject: string;
  readonly issuer: string;
  /** UTC, ISO 8601. */
  readonly validFrom: string;
  readonly validTo: string;
  readonly pem: string;
};

export type VcenterAbout = {
  readonly fullName: string;
  readonly version: string;
  readonly apiVersion: string;
  readonly instanceUuid: string | null;
};

export type VmChanges = {
  readonly changed: readonly VmSpec[];
  /** MoRefs of VMs that are gone, or that this user may no longer see. */
  readonly gone: readonly string[];
  /** False while the first look at the inventory is still under way. */
  readonly complete: boolean;
};

export type VcenterHost = {
  readonly moRef: string;
  readonly name: string;
  readonly version: string | null;
  readonly connectionState: string | null;
  readonly addresses: readonly string[];
};

export type VcenterDatastore = {
  readonly moRef: string;
  readonly name: string;
  /** As vCenter writes it: VMFS, NFS, NFS41, vsan, VVOL, ... */
  readonly type: string | null;
  readonly capacityBytes: number | null;
  readonly freeBytes: number | null;
  readonly accessible: boolean | null;
};

export type VcenterNetwork = {
  readonly moRef: string;
  readonly name: string;
  readonly kind: 'network' | 'distributed_port_group' | 'opaque';
};

export type VcenterInventory = {
  readonly datacenters: readonly { readonly moRef: string; readonly name: string; readonly path: string }[];
  readonly hosts: readonly VcenterHost[];
  readonly datastores: readonly VcenterDatastore[];
  readonly networks: readonly VcenterNetwork[];
};

/** What rule M7 compares before a copy, after it and after the proof. */
export type SourceState = {
  readonly powerState: VmPowerState | null;
  readonly changeVersion: string | null;
  /** The disk's own file first, then its parents. */
  readonly backingFiles: readonly string[];
  readonly snapshotCount: number;
};

/** null: this vCenter cannot be asked. */
export type PrivilegeCheck = {
  readonly privilege: string;
  readonly neededFor: string;
  readonly object: string;
  readonly granted: boolean | null;
};

export type ConnectionStep = {
  readonly step:
    | ('dns' | 'tcp_443' | 'certificate' | 'login' | 'privilege' | 'clock' | 'tcp_902')
    // Of a VMA.
    | ('reach' | 'token' | 'protocol' | 'sites' | 'movers');
  /** What was tried: an address, a privilege, a host. */
  readonly target: string;
  /** null: it cannot be told here. */
  readonly ok: boolean | null;
  readonly seconds: number;
  readonly detail: string;
  readonly error: ErrorBody | null;
};

export type TaskOptions = Signalled & { readonly onProgress?: (percent: number) => void };

/** Errors: VCENTER_*, VM_STATE. Where a call changed something and the answer was lost, look before repeating. */
export type Vcenter = {
  about(options: Signalled): Promise<VcenterAbout>;
  /** Sorted by name, then by MoRef. */
  listVms(options: Signalled): Promise<readonly VmSpec[]>;
  /** The same as it comes. When the session had to be renewed meanwhile, VMs come again. */
  vms(onPage: (page: readonly VmSpec[]) => void, options: Signalled): Promise<void>;
  vm(moRef: string, options: Signalled): Promise<VmSpec>;
  /** First the whole inventory, then every change; ends only by the signal or an error. */
  watchVms(onChanges: (changes: VmChanges) => void, options: Signalled): Promise<never>;
  inventory(options: Signalled): Promise<VcenterInventory>;

  powerOn(moRef: string, options: TaskOptions): Promise<void>;
  /** Returns when the VM is off. After `timeoutMs` GUEST_STILL_ON: never switched off by force. */
  shutDownGuest(moRef: string, options: Signalled & { readonly timeoutMs: number }): Promise<void>;
  powerOff(moRef: string, options: TaskOptions): Promise<void>;

  /** Takes effect on a running VM with its next snapshot. */
  enableChangeTracking(moRef: string, options: TaskOptions): Promise<void>;
  /** Repeatable: an earlier call's snapshot with this id is found again by its name. */
  takeSnapshot(
    request: {
      readonly vm: string;
      readonly id: string;
      readonly description: string;
      readonly quiesce: boolean;
      readonly ledger: SnapshotLedger;
    },
    options: TaskOptions,
  ): Promise<{ readonly moRef: string; readonly name: string }>;
  /** Only what the ledger knows; returns when the disks are consolidated. */
  removeSnapshot(
    request: { readonly vm: string; readonly id: string; readonly ledger: SnapshotLedger },
    options: TaskOptions,
  ): Promise<void>;
  consolidate(moRef: string, options: TaskOptions): Promise<void>;
  /** The disks as the snapshot froze them, with their change ids (rule J6). */
  snapshotDisks(snapshot: string, options: Signalled): Promise<readonly VmDisk[]>;
  /** What changed between `since` and the snapshot; `*`: what is in use. Every doubt is CHANGES_UNKNOWN (rule J6). */
  changedAreas(
    request: {
      readonly vm: string;
      readonly snapshot: string;
      readonly diskKey: number;
      readonly capacityBytes: number;
      readonly since: string;
      /** The snapshot's own change id of this disk. */
      readonly until: string;
    },
    options: Signalled,
  ): Promise<readonly Extent[]>;

  /** Where the bytes of a flat disk can be read from a VM that is off (rule M7). */
  folderUrl(vm: Pick<VmSpec, 'datacenterPath'>, disk: VmDisk): string;
  /** `vmware_soap_session=...` of a session that was valid just now. A secret: by file or descriptor only. */
  sessionCookie(options: Signalled): Promise<string>;
  sourceState(moRef: string, options: Signalled & { readonly diskKey: number }): Promise<SourceState>;

  privileges(options: Signalled): Promise<readonly PrivilegeCheck[]>;
  /** How far vCenter's clock is ahead of ours. */
  clockSkewMs(options: Signalled): Promise<number>;
  /** Signs out, if it was ever signed in. Never rejects. */
  close(): Promise<void>;
};
