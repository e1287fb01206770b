import { randomBytes, randomUUID } from 'node:crypto';
import type { ArmedFault } from './faults.ts';
import type { RandomState } from './random.ts';
import { defaultSettings, type LabSettings } from './settings.ts';
import { initialVcenter, type VcenterState } from './vcenter/vm-state.ts';

export type LabTag = { readonly key: string; readonly value: string };

/** One key each: the root admin, and two accounts of the role User that share nothing. */
export type LabAccount = {
  readonly id: string;
  readonly userId: string;
  readonly name: string;
  readonly role: 'admin' | 'user';
  readonly apiKey: string;
  readonly secretKey: string;
};

/** A state that only the job that brought it about may end. */
export type Transition<S extends string> = { readonly jobId: string; readonly before: S };

export type VolumeState =
  | 'Allocated'
  | 'Creating'
  | 'Ready'
  | 'Attaching'
  | 'Migrating'
  | 'Snapshotting'
  | 'Resizing'
  | 'Destroy'
  | 'Expunged';

export type LabVolume = {
  readonly id: string;
  readonly name: string;
  accountId: string;
  /** Follows the device id: what is attached as 0 becomes ROOT, and DATADISK again when it is detached. */
  type: 'ROOT' | 'DATADISK';
  sizeBytes: number;
  readonly offeringId: string | null;
  readonly templateId: string | null;
  readonly snapshotId: string | null;
  readonly createdAtMs: number;
  state: VolumeState;
  transition: Transition<VolumeState> | null;
  pool: 'primary-1' | 'primary-2';
  vmId: string | null;
  deviceId: number | null;
  attachedAtMs: number | null;
  /** Gone from every list; its UUID still resolves, as in CloudStack. */
  removed: boolean;
  /** Attached as CloudStack sees it, yet the guest shows no device (fault device-never). */
  deviceless: boolean;
  tags: LabTag[];
};

export type VmState = 'Starting' | 'Running' | 'Stopping' | 'Stopped' | 'Destroyed' | 'Expunging' | 'Error';

export type LabVm = {
  readonly id: string;
  /** The 7 of i-2-7-VM and of ROOT-7. */
  readonly number: number;
  readonly name: string;
  readonly displayName: string;
  accountId: string;
  readonly createdAtMs: number;
  readonly templateId: string;
  readonly networkIds: readonly string[];
  readonly bootType: 'BIOS' | 'UEFI';
  readonly bootMode: 'LEGACY' | 'SECURE';
  readonly details: Readonly<Record<string, string>>;
  state: VmState;
  transition: Transition<VmState> | null;
  removed: boolean;
  tags: LabTag[];
};

export type LabSnapshot = {
  readonly id: string;
  readonly name: string;
  readonly accountId: string;
  readonly volumeId: string;
  readonly volumeName: string;
  readonly volumeType: LabVolume['type'];
  readonly sizeBytes: number;
  readonly createdAtMs: number;
  state: 'Allocated' | 'Creating' | 'BackedUp' | 'Error' | 'Destroyed';
  removed: boolean;
};

export type LabJob = {
  readonly id: string;
  readonly command: string;
  readonly accountId: string;
  readonly volumeId: string | null;
  readonly vmId: string | null;
  readonly snapshotId: string | null;
  /** The parameters of the call, names in lower case, without those of the signature. */
  readonly sent: Readonly<Record<string, string>>;
  readonly createdAtMs: number;
  completedAtMs: number | null;
  status: 0 | 1 | 2;
  resultCode: number;
  result: Readonly<Record<string, unknown>> | null;
};

export type HostDevice = {
  /** null: the root disk. */
  volumeId: string | null;
  readonly name: string;
  serial: string;
  sizeBytes: number;
  diskseq: number;
  /** `major:minor` of a loop device, `st_dev:st_ino` of a file. */
  readonly dev: string;
  /** What `dev/<name>` leads to: /dev/loopN or the backing file. */
  node: string;
};

/** A disk that the guest still has although CloudStack says that it is attached nowhere (ACS 14214, 6508). */
export type Orphan = { readonly volumeId: string; readonly deviceId: number | null };

/** A foreign disk of the appliance whose bytes must never change. */
export type Sentinel = { readonly volumeId: string; readonly sha256: string };

export type LabIds = {
  readonly zone: string;
  readonly customOffering: string;
  readonly fixedOffering: string;
  readonly computeOffering: string;
  readonly template: string;
  readonly network: string;
  readonly osType: string;
  readonly domain: string;
  readonly pool: string;
  readonly omaVm: string;
  readonly otherVm: string;
  readonly stoppedVm: string;
};

export type LabState = {
  readonly format: 3;
  readonly controlToken: string;
  readonly accounts: readonly LabAccount[];
  readonly ids: LabIds;
  readonly random: RandomState;
  readonly settings: LabSettings;
  /** Of the adversary alone, so that its choices can be repeated whatever else the lab draws. */
  readonly adversary: { readonly random: RandomState; exchanges: number };
  vms: LabVm[];
  volumes: LabVolume[];
  snapshots: LabSnapshot[];
  jobs: LabJob[];
  faults: ArmedFault[];
  sentinels: Sentinel[];
  readonly vcenter: VcenterState;
  readonly host: {
    bootId: string;
    /** Of the machine that runs the lab: loop devices do not outlive it. */
    machineBootId: string;
    /** Closed in good order: the appliance was powered off, the next start is a new boot. */
    poweredOff: boolean;
    nextDiskseq: number;
    /** Nodes of an earlier boot that a process still holds; a real reboot would have ended it. */
    ghosts: string[];
    devices: HostDevice[];
    orphans: Orphan[];
  };
};

const secret = (): string => randomBytes(48).toString('base64url');

export const newAccount = (name: string, role: LabAccount['role']): LabAccount => ({
  id: randomUUID(),
  userId: randomUUID(),
  name,
  role,
  apiKey: secret(),
  secretKey: secret(),
});

export function initialState(nowMs: number): LabState {
  const ids: LabIds = {
    zone: randomUUID(),
    customOffering: randomUUID(),
    fixedOffering: randomUUID(),
    computeOffering: randomUUID(),
    template: randomUUID(),
    network: randomUUID(),
    osType: randomUUID(),
    domain: randomUUID(),
    pool: randomUUID(),
    omaVm: randomUUID(),
    otherVm: randomUUID(),
    stoppedVm: randomUUID(),
  };
  const admin = newAccount('admin', 'admin');
  const common = { accountId: admin.id, createdAtMs: nowMs, templateId: ids.template, networkIds: [ids.network] };
  const vms: LabVm[] = [
    { ...common, ...bareVm, id: ids.omaVm, number: 3, name: 'oma', displayName: 'oma', state: 'Running', tags: [] },
    {
      ...common,
      ...bareVm,
      id: ids.otherVm,
      number: 4,
      name: 'intranet',
      displayName: 'intranet',
      state: 'Running',
      tags: [],
    },
    {
      ...common,
      ...bareVm,
      id: ids.stoppedVm,
      number: 5,
      name: 'template-builder',
      displayName: 'template-builder',
      state: 'Stopped',
      tags: [],
    },
  ];
  return {
    format: 3,
    controlToken: secret(),
    accounts: [admin, newAccount('migration', 'user'), newAccount('stranger', 'user')],
    ids,
    random: { value: randomBytes(4).readUInt32LE(0) },
    settings: defaultSettings(),
    adversary: { random: { value: randomBytes(4).readUInt32LE(0) }, exchanges: 0 },
    vms,
    volumes: vms.map((vm) => ({
      ...bareVolume,
      id: randomUUID(),
      name: `ROOT-${vm.name}`,
      accountId: admin.id,
      type: 'ROOT',
      sizeBytes: ROOT_DISK_BYTES,
      templateId: ids.template,
      createdAtMs: nowMs,
      state: 'Ready',
      vmId: vm.id,
      deviceId: 0,
      attachedAtMs: nowMs,
      tags: [],
    })),
    snapshots: [],
    jobs: [],
    faults: [],
    sentinels: [],
    vcenter: initialVcenter(),
    host: { bootId: '', machineBootId: '', poweredOff: true, nextDiskseq: 1, ghosts: [], devices: [], orphans: [] },
  };
}

export const ROOT_DISK_BYTES = 16 * 1024 * 1024;

/** What a new VM has that nobody asked for. */
export const bareVm = { bootType: 'BIOS', bootMode: 'LEGACY', details: {}, transition: null, removed: false } as const;

/** What a new volume has that nobody asked for. */
export const bareVolume = {
  offeringId: null,
  templateId: null,
  snapshotId: null,
  transition: null,
  pool: 'primary-1',
  vmId: null,
  deviceId: null,
  attachedAtMs: null,
  removed: false,
  deviceless: false,
} as const;

export const liveVolumes = (state: LabState): LabVolume[] => state.volumes.filter((volume) => !volume.removed);

/** The account of the key that lab.json names. */
export function adminOf(state: LabState): LabAccount {
  const admin = state.accounts.find((account) => account.role === 'admin');
  if (admin === undefined) throw new Error('The lab has lost its admin account.');
  return admin;
}

/** Serials are the first 20 hex digits; the lab never makes two volumes that are equal there. */
export function newVolumeId(state: LabState): string {
  for (;;) {
    const id = randomUUID();
    if (!state.volumes.some((volume) => volume.id.slice(0, 24) === id.slice(0, 24))) return id;
  }
}
