import { missingParameter } from '../api-error.ts';
import { type LabState, liveVolumes } from '../state.ts';
import { type Parameters, page } from './parameters.ts';
import { cloudDate, listContent } from './reply.ts';
import { CUSTOM_OFFERING, FIXED_OFFERING, FIXED_OFFERING_GB, tagViews, ZONE_NAME } from './volume-view.ts';

type Listing = (state: LabState, parameters: Parameters) => object;

const byIdAndName = (parameters: Parameters, items: readonly Record<string, unknown>[]): Record<string, unknown>[] =>
  items.filter(
    (item) =>
      (parameters.get('id') ?? item['id']) === item['id'] && (parameters.get('name') ?? item['name']) === item['name'],
  );

const listing =
  (name: string, items: (state: LabState) => readonly Record<string, unknown>[]): Listing =>
  (state, parameters) =>
    listContent(name, page(parameters, byIdAndName(parameters, items(state))));

export const listZones = listing('zone', ({ ids }) => [
  {
    id: ids.zone,
    name: ZONE_NAME,
    networktype: 'Advanced',
    securitygroupsenabled: false,
    allocationstate: 'Enabled',
    localstorageenabled: false,
    dhcpprovider: 'VirtualRouter',
    tags: [],
  },
]);

export const listDiskOfferings = listing('diskoffering', ({ ids }) => {
  const shown = { created: cloudDate(0), storagetype: 'shared', provisioningtype: 'thin', displayoffering: true };
  return [
    {
      id: ids.customOffering,
      name: CUSTOM_OFFERING,
      displaytext: 'Custom size',
      disksize: 0,
      iscustomized: true,
      ...shown,
    },
    {
      id: ids.fixedOffering,
      name: FIXED_OFFERING,
      displaytext: `${FIXED_OFFERING_GB} GB`,
      disksize: FIXED_OFFERING_GB,
      iscustomized: false,
      ...shown,
    },
  ];
});

export const listServiceOfferings = listing('serviceoffering', ({ ids }) => [
  {
    id: ids.computeOffering,
    name: 'Medium',
    displaytext: 'Medium',
    cpunumber: 2,
    cpuspeed: 1000,
    memory: 2048,
    created: cloudDate(0),
    storagetype: 'shared',
    offerha: false,
    issystem: false,
  },
]);

export const listTemplates: Listing = (state, parameters) => {
  if (parameters.get('templatefilter') === undefined) throw missingParameter(parameters.command, 'templatefilter');
  return listing('template', ({ ids }) => [
    {
      id: ids.template,
      name: 'debian-12',
      displaytext: 'Debian 12',
      ispublic: true,
      isready: true,
      isfeatured: true,
      format: 'QCOW2',
      hypervisor: 'KVM',
      ostypename: 'Debian GNU/Linux 12 (64-bit)',
      size: 2_147_483_648,
      templatetype: 'USER',
      zoneid: ids.zone,
      zonename: ZONE_NAME,
      created: cloudDate(0),
    },
  ])(state, parameters);
};

export const listNetworks = listing('network', ({ ids }) => [
  {
    id: ids.network,
    name: 'lab-net',
    displaytext: 'lab-net',
    networkofferingid: ids.computeOffering,
    networkofferingname: 'DefaultIsolatedNetworkOfferingWithSourceNatService',
    zoneid: ids.zone,
    zonename: ZONE_NAME,
    type: 'Isolated',
    traffictype: 'Guest',
    state: 'Implemented',
    cidr: '10.1.1.0/24',
    domain: 'ROOT',
    domainid: ids.domain,
    account: 'admin',
    service: [{ name: 'Dhcp' }],
    tags: [],
  },
]);

export const listVirtualMachines: Listing = (state, parameters) => {
  const wantedState = parameters.get('state');
  const views = state.vms
    .filter((vm) => wantedState === undefined || vm.state === wantedState)
    .map((vm, index) => vmView(state, vm, index));
  return listContent('virtualmachine', page(parameters, byIdAndName(parameters, views)));
};

function vmView(state: LabState, vm: LabState['vms'][number], index: number): Record<string, unknown> {
  const { ids } = state;
  return {
    id: vm.id,
    name: vm.name,
    displayname: vm.name,
    instancename: `i-2-${index + 3}-VM`,
    account: 'admin',
    userid: ids.user,
    domain: 'ROOT',
    domainid: ids.domain,
    created: cloudDate(vm.createdAtMs),
    state: vm.state,
    haenable: false,
    zoneid: ids.zone,
    zonename: ZONE_NAME,
    templateid: ids.template,
    templatename: 'debian-12',
    templatedisplaytext: 'Debian 12',
    passwordenabled: false,
    serviceofferingid: ids.computeOffering,
    serviceofferingname: 'Medium',
    cpunumber: 2,
    cpuspeed: 1000,
    memory: 2048,
    rootdeviceid: 0,
    rootdevicetype: 'ROOT',
    hypervisor: 'KVM',
    securitygroup: [],
    affinitygroup: [],
    tags: [],
    nic: [
      {
        id: ids.network,
        networkid: ids.network,
        networkname: 'lab-net',
        netmask: '255.255.255.0',
        gateway: '10.1.1.1',
        ipaddress: `10.1.1.${index + 10}`,
        macaddress: `02:00:00:00:00:0${index + 1}`,
        traffictype: 'Guest',
        type: 'Isolated',
        isdefault: true,
      },
    ],
  };
}

export const listCapabilities: Listing = (state) => ({
  capability: {
    cloudstackversion: '4.22.0.0',
    securitygroupsenabled: false,
    customdiskofferingminsize: state.settings.custom_size_gb[0],
    customdiskofferingmaxsize: state.settings.custom_size_gb[1],
    userpublictemplateenabled: true,
    supportELB: 'false',
    projectinviterequired: false,
    allowusercreateprojects: true,
    kvmsnapshotenabled: true,
    regionsecondaryenabled: false,
    allowuserviewdestroyedvm: false,
    allowuserexpungerecovervm: false,
  },
});

export const listTags: Listing = (state, parameters) => {
  const tags = liveVolumes(state).flatMap((volume) => tagViews(state, volume));
  const found = tags.filter((tag) =>
    (['resourceid', 'resourcetype', 'key', 'value'] as const).every(
      (field) => (parameters.get(field) ?? tag[field]) === tag[field],
    ),
  );
  return listContent('tag', page(parameters, found));
};

/** The lab has no such things; libcloud asks all the same. */
export const listNothing: Listing = () => ({});
