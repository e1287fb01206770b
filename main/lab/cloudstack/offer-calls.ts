import type { LabState } from '../state.ts';
import type { Accepts } from './accepts.ts';
import type { SyncCall } from './call.ts';
import { type Parameters, page } from './parameters.ts';
import { cloudDate, listContent } from './reply.ts';
import { CUSTOM_OFFERING, FIXED_OFFERING, FIXED_OFFERING_GB, ownerView, ZONE_NAME } from './volume-view.ts';

type Item = Readonly<Record<string, unknown>>;

const filters = {
  id: 'string',
  name: 'string',
  keyword: 'string',
  zoneid: 'zone',
  listall: 'boolean',
  page: 'integer',
  pagesize: 'integer',
} as const satisfies Accepts;

/** A list that nothing changes: only id, name and page choose from it. */
export const listing = (
  name: string,
  does: string,
  more: { readonly items: (state: LabState) => readonly Item[]; readonly accepts?: Accepts; readonly adminOnly?: true },
): SyncCall => ({
  does,
  accepts: { ...filters, ...more.accepts },
  ...(more.adminOnly === undefined ? {} : { adminOnly: more.adminOnly }),
  answer: ({ store: { state } }, { parameters }) =>
    listContent(name, page(parameters, byIdAndName(parameters, more.items(state)))),
});

const byIdAndName = (parameters: Parameters, items: readonly Item[]): Item[] =>
  items.filter(
    (item) =>
      (parameters.get('id') ?? item['id']) === item['id'] && (parameters.get('name') ?? item['name']) === item['name'],
  );

/** The lab has no such things; libcloud asks all the same. */
const nothing = (does: string): SyncCall => ({ does, accepts: filters, answer: () => ({}) });

export const offerCalls: Readonly<Record<string, SyncCall>> = {
  listZones: listing('zone', 'Lists zones.', {
    accepts: { available: 'boolean' },
    items: ({ ids }) => [
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
    ],
  }),
  listDiskOfferings: listing('diskoffering', 'Lists disk offerings.', {
    items: ({ ids }) => [
      { ...diskOffering, id: ids.customOffering, name: CUSTOM_OFFERING, displaytext: 'Custom size', disksize: 0 },
      {
        ...diskOffering,
        id: ids.fixedOffering,
        name: FIXED_OFFERING,
        displaytext: `${FIXED_OFFERING_GB} GB`,
        disksize: FIXED_OFFERING_GB,
        iscustomized: false,
      },
    ],
  }),
  listServiceOfferings: listing('serviceoffering', 'Lists compute offerings.', {
    items: ({ ids }) => [
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
        iscustomized: false,
      },
    ],
  }),
  listTemplates: listing('template', 'Lists templates.', {
    accepts: { templatefilter: 'string!', hypervisor: 'string' },
    items: ({ ids }) => [
      {
        id: ids.template,
        name: 'debian-12',
        displaytext: 'Debian 12',
        ispublic: true,
        isready: true,
        isfeatured: true,
        format: 'QCOW2',
        hypervisor: 'KVM',
        ostypeid: ids.osType,
        ostypename: 'Debian GNU/Linux 12 (64-bit)',
        size: 2_147_483_648,
        templatetype: 'USER',
        zoneid: ids.zone,
        zonename: ZONE_NAME,
        created: cloudDate(0),
      },
    ],
  }),
  listNetworks: listing('network', 'Lists networks.', {
    items: (state) => [
      {
        id: state.ids.network,
        name: 'lab-net',
        displaytext: 'lab-net',
        networkofferingid: state.ids.computeOffering,
        networkofferingname: 'DefaultIsolatedNetworkOfferingWithSourceNatService',
        zoneid: state.ids.zone,
        zonename: ZONE_NAME,
        type: 'Isolated',
        traffictype: 'Guest',
        state: 'Implemented',
        cidr: '10.1.1.0/24',
        ...ownerView(state, state.accounts[0]?.id ?? ''),
        service: [{ name: 'Dhcp' }],
        tags: [],
      },
    ],
  }),
  listOsTypes: listing('ostype', 'Lists guest operating systems.', {
    accepts: { description: 'string' },
    items: ({ ids }) => [
      { id: ids.osType, oscategoryid: ids.osType, description: 'Debian GNU/Linux 12 (64-bit)', isuserdefined: false },
    ],
  }),
  listPublicIpAddresses: nothing('Lists public addresses.'),
  listPortForwardingRules: nothing('Lists port forwarding rules.'),
  listIpForwardingRules: nothing('Lists IP forwarding rules.'),
};

const diskOffering = {
  iscustomized: true,
  created: cloudDate(0),
  storagetype: 'shared',
  provisioningtype: 'thin',
  displayoffering: true,
};
