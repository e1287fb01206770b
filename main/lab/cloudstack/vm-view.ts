import type { LabAccount, LabState, LabVm } from '../state.ts';
import { cloudDate } from './reply.ts';
import { ownerView, tagViews, ZONE_NAME } from './volume-view.ts';

export function vmView(state: LabState, vm: LabVm, viewer: Pick<LabAccount, 'role'>): Record<string, unknown> {
  const { ids } = state;
  const job = state.jobs.find((candidate) => candidate.vmId === vm.id && candidate.status === 0);
  const owner = state.accounts.find((account) => account.id === vm.accountId);
  return {
    id: vm.id,
    name: vm.name,
    displayname: vm.displayName,
    ...(viewer.role === 'admin' ? { instancename: `i-2-${vm.number}-VM` } : {}),
    ...ownerView(state, vm.accountId),
    userid: owner?.userId,
    created: cloudDate(vm.createdAtMs),
    state: vm.state,
    haenable: false,
    zoneid: ids.zone,
    zonename: ZONE_NAME,
    templateid: vm.templateId,
    templatename: 'debian-12',
    templatedisplaytext: 'Debian 12',
    passwordenabled: false,
    serviceofferingid: ids.computeOffering,
    serviceofferingname: 'Medium',
    cpunumber: 2,
    cpuspeed: 1000,
    memory: 2048,
    ostypeid: ids.osType,
    rootdeviceid: 0,
    rootdevicetype: 'ROOT',
    hypervisor: 'KVM',
    // As the server prints them: `Bios`, `legacy`.
    boottype: vm.bootType === 'BIOS' ? 'Bios' : vm.bootType,
    bootmode: vm.bootMode.toLowerCase(),
    details: vm.details,
    displayvm: true,
    securitygroup: [],
    affinitygroup: [],
    tags: tagViews(state, vm, 'UserVm'),
    nic: vm.networkIds.map((networkId, index) => ({
      id: networkId,
      networkid: networkId,
      networkname: 'lab-net',
      netmask: '255.255.255.0',
      gateway: '10.1.1.1',
      ipaddress: `10.1.1.${(vm.number % 240) + 7}`,
      macaddress: `02:00:00:00:${byte(vm.number >> 8)}:${byte(vm.number)}`,
      traffictype: 'Guest',
      type: 'Isolated',
      isdefault: index === 0,
    })),
    ...(job === undefined ? {} : { jobid: job.id, jobstatus: 0 }),
  };
}

const byte = (value: number): string => (value & 0xff).toString(16).padStart(2, '0');

export function vmResult(state: LabState, vm: LabVm, accountId: string): Record<string, unknown> {
  const viewer = state.accounts.find((account) => account.id === accountId) ?? { role: 'user' };
  const { jobid: _jobId, jobstatus: _jobStatus, ...view } = vmView(state, vm, viewer);
  return { virtualmachine: view };
}
