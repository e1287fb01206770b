import { randomBytes, randomUUID } from 'node:crypto';
import type { ArmedFault } from './faults.ts';
import type { RandomState } from './random.ts';
import { defaultSettings, type LabSettings } from './settings.ts';

export type LabTag = { readonly key: string; readonly value: string };

export type LabVolume = {
  readonly id: string;
  readonly name: string;
  readonly type: 'ROOT' | 'DATADISK';
  readonly sizeBytes: number;
  readonly offeringId: string | null;
  readonly createdAtMs: number;
  state: 'Allocated' | 'Creating' | 'Ready' | 'Attaching' | 'Expunged';
  vmId: string | null;
  deviceId: number | null;
  attachedAtMs: number | null;
  /** Gone from every list; its UUID still resolves, as in CloudStack. */
  removed: boolean;
  /** Attached as CloudStack sees it, yet the guest shows no device (fault device-never). */
  deviceless: boolean;
  tags: LabTag[];
};

export type LabVm = {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  state: 'Running' | 'Stopped';
};

export type JobCommand = 'createVolume' | 'attachVolume' | 'detachVolume' | 'createTags' | 'deleteTags';

export type LabJob = {
  readonly id: string;
  readonly command: JobCommand;
  readonly volumeId: string | null;
  readonly vmId: string | null;
  readonly wantedDeviceId: number | null;
  readonly tags: { readonly resourceIds: string[]; readonly tags: LabTag[] } | null;
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
  readonly sizeBytes: number;
  diskseq: number;
  /** `major:minor` of a loop device, `st_dev:st_ino` of a file. */
  readonly dev: string;
  /** What `dev/<name>` leads to: /dev/loopN or the backing file. */
  node: string;
};

export type LabIds = {
  readonly zone: string;
  readonly customOffering: string;
  readonly fixedOffering: string;
  readonly computeOffering: string;
  readonly template: string;
  readonly network: string;
  readonly account: string;
  readonly user: string;
  readonly domain: string;
  readonly pool: string;
  readonly omaVm: string;
  readonly otherVm: string;
  readonly stoppedVm: string;
};

export type LabState = {
  readonly format: 1;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly controlToken: string;
  readonly ids: LabIds;
  readonly random: RandomState;
  readonly settings: LabSettings;
  readonly vms: LabVm[];
  volumes: LabVolume[];
  jobs: LabJob[];
  faults: ArmedFault[];
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
  };
};

const secret = (): string => randomBytes(48).toString('base64url');

export function initialState(nowMs: number): LabState {
  const ids: LabIds = {
    zone: randomUUID(),
    customOffering: randomUUID(),
    fixedOffering: randomUUID(),
    computeOffering: randomUUID(),
    template: randomUUID(),
    network: randomUUID(),
    account: randomUUID(),
    user: randomUUID(),
    domain: randomUUID(),
    pool: randomUUID(),
    omaVm: randomUUID(),
    otherVm: randomUUID(),
    stoppedVm: randomUUID(),
  };
  const vms: LabVm[] = [
    { id: ids.omaVm, name: 'oma', createdAtMs: nowMs, state: 'Running' },
    { id: ids.otherVm, name: 'intranet', createdAtMs: nowMs, state: 'Running' },
    { id: ids.stoppedVm, name: 'template-builder', createdAtMs: nowMs, state: 'Stopped' },
  ];
  return {
    format: 1,
    apiKey: secret(),
    secretKey: secret(),
    controlToken: secret(),
    ids,
    random: { value: randomBytes(4).readUInt32LE(0) },
    settings: defaultSettings(),
    vms,
    volumes: vms.map((vm) => rootVolume(vm, nowMs)),
    jobs: [],
    faults: [],
    host: { bootId: '', machineBootId: '', poweredOff: true, nextDiskseq: 1, ghosts: [], devices: [] },
  };
}

export const ROOT_DISK_BYTES = 16 * 1024 * 1024;

const rootVolume = (vm: LabVm, nowMs: number): LabVolume => ({
  id: randomUUID(),
  name: `ROOT-${vm.name}`,
  type: 'ROOT',
  sizeBytes: ROOT_DISK_BYTES,
  offeringId: null,
  createdAtMs: nowMs,
  state: 'Ready',
  vmId: vm.id,
  deviceId: 0,
  attachedAtMs: nowMs,
  removed: false,
  deviceless: false,
  tags: [],
});

export const liveVolumes = (state: LabState): LabVolume[] => state.volumes.filter((volume) => !volume.removed);
