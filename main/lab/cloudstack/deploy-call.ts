import { randomUUID } from 'node:crypto';
import { internalFailure, invalidParameter } from '../api-error.ts';
import { bareVm, bareVolume, type LabState, type LabVm, type LabVolume, newVolumeId } from '../state.ts';
import { type Asked, type AsyncCall, only } from './call.ts';
import { checkVolumeLimit, ownerFor } from './limits.ts';
import { vmOf } from './named.ts';
import { parametersOf } from './parameters.ts';
import { leave } from './transition.ts';
import { beginStart, startVm } from './vm-calls.ts';
import { vmResult } from './vm-view.ts';
import { newSizeGb } from './volume-size.ts';

const GIB = 1024 ** 3;
const TEMPLATE_GB = 2;

export const deployCalls = {
  deployVirtualMachine: {
    does: 'Makes a VM from a template, and starts it unless startvm is false.',
    java: 'vm.DeployVM',
    creates: 'vmId',
    accepts: {
      zoneid: 'zone!',
      serviceofferingid: 'serviceoffering!',
      templateid: 'template',
      volumeid: 'volume',
      snapshotid: 'snapshot',
      name: 'string',
      displayname: 'string',
      networkids: 'network[]',
      iptonetworklist: 'map',
      diskofferingid: 'diskoffering',
      size: 'integer',
      rootdisksize: 'integer',
      boottype: 'string',
      bootmode: 'string',
      startvm: 'boolean',
      details: 'map',
      account: 'string',
      domainid: 'string',
    },
    accept: ({ store: { state }, nowMs }, asked) => only({ vmId: allocateVm(state, asked, nowMs()).id }),
    begin: (context, job) => {
      if (isToStart(job)) beginStart(context, job);
    },
    act: (context, job) => {
      const { state } = context.store;
      if (isToStart(job)) return startVm(context, job);
      return Promise.resolve(() => vmResult(state, vmOf(state, job), job.accountId));
    },
    settle: ({ store: { state } }, job) => leave(vmOf(state, job), job),
    failed: ({ store: { state } }, job) => {
      vmOf(state, job).state = 'Error';
    },
  },
} as const satisfies Readonly<Record<string, AsyncCall>>;

const isToStart = ({ sent }: { readonly sent: Readonly<Record<string, string>> }): boolean =>
  parametersOf(new Map(Object.entries(sent))).flag('startvm') !== false;

function allocateVm(state: LabState, asked: Asked, nowMs: number): LabVm {
  const { parameters } = asked;
  refuseOtherSources(state, asked);
  const owner = ownerFor(state, asked);
  const boot = { bootType: parameters.get('boottype') ?? 'BIOS', bootMode: parameters.get('bootmode') ?? 'LEGACY' };
  const bootType = oneOf('boottype', boot.bootType, ['BIOS', 'UEFI']);
  const bootMode = oneOf('bootmode', boot.bootMode, ['LEGACY', 'SECURE']);
  const rootGb = parameters.whole('rootdisksize') ?? TEMPLATE_GB;
  if (rootGb < TEMPLATE_GB) {
    throw invalidParameter(`Root disk size ${rootGb} GB is smaller than the template's size ${TEMPLATE_GB} GB.`);
  }
  const dataOffering = parameters.get('diskofferingid') ?? null;
  const dataGb =
    dataOffering === null ? null : newSizeGb(state, { offeringId: dataOffering, sizeBytes: 0 }, parameters);

  const number = Math.max(...state.vms.map((vm) => vm.number)) + 1;
  const id = randomUUID();
  const name = parameters.get('name') ?? `VM-${id}`;
  const taken = state.vms.some((vm) => vm.name === name && vm.accountId === owner.id && !vm.removed);
  if (taken) throw invalidParameter(`The vm with hostName ${name} already exists in the network domain: lab.internal`);
  checkVolumeLimit(state, owner, `ROOT-${number}`);
  const vm: LabVm = {
    ...bareVm,
    id,
    number,
    name,
    displayName: parameters.get('displayname') ?? name,
    accountId: owner.id,
    createdAtMs: nowMs,
    templateId: parameters.required('templateid'),
    networkIds: parameters.list('networkids') ?? [state.ids.network],
    bootType,
    bootMode,
    details: parameters.map('details'),
    tags: [],
    state: 'Stopped',
  };
  const disk = { ...bareVolume, accountId: owner.id, createdAtMs: nowMs, vmId: id, attachedAtMs: nowMs };
  const add = (
    more: Pick<LabVolume, 'name' | 'type' | 'sizeBytes' | 'deviceId' | 'offeringId' | 'templateId'>,
  ): void => {
    state.volumes.push({ ...disk, ...more, id: newVolumeId(state), state: 'Allocated', tags: [] });
  };
  state.vms.push(vm);
  const root = { offeringId: null, templateId: vm.templateId, sizeBytes: rootGb * GIB } as const;
  add({ ...root, name: `ROOT-${number}`, type: 'ROOT', deviceId: 0 });
  if (dataGb !== null) {
    const data = { offeringId: dataOffering, templateId: null, sizeBytes: dataGb * GIB } as const;
    add({ ...data, name: `DATA-${number}`, type: 'DATADISK', deviceId: 1 });
  }
  return vm;
}

/** Since 4.21 a VM may start from a volume or a snapshot, but only of one that came from a template: ours never do. */
function refuseOtherSources(state: LabState, { parameters }: Asked): void {
  const sources = ['templateid', 'volumeid', 'snapshotid'].filter((name) => parameters.get(name) !== undefined);
  if (sources.length !== 1) {
    throw internalFailure(
      'Please provide only one of the following parameters - template ID, volume ID or snapshot ID',
    );
  }
  if (sources[0] === 'templateid') return;
  const snapshot = state.snapshots.find((candidate) => candidate.id === parameters.get('snapshotid'));
  const volumeId = snapshot?.volumeId ?? parameters.get('volumeid');
  const volume = state.volumes.find((candidate) => candidate.id === volumeId);
  if (volume?.templateId === null) {
    throw invalidParameter("The provided volume/snapshot doesn't have a template to deploy a VM");
  }
  throw invalidParameter('Deployment of virtual machine is supported only for Zone-wide storage pools');
}

function oneOf<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const choice = choices.find((candidate) => candidate === value.toUpperCase());
  if (choice === undefined) throw invalidParameter(`Invalid ${name} ${value}, possible values: ${choices.join(', ')}`);
  return choice;
}
