import type { Signalled } from '../../../ports/signalled.ts';
import type { VcenterDatastore, VcenterHost, VcenterInventory, VcenterNetwork } from '../../../ports/vcenter.ts';
import type { Connection } from '../session.ts';
import { type Element, filledTextOf, flagOf, longOf } from '../soap/element.ts';
import { collect, type Found } from './collect.ts';
import { createNames } from './names.ts';
import { filterSpec, inView, type Wanted, withView } from './view.ts';

const wanted: readonly Wanted[] = [
  { type: 'Folder', paths: ['name', 'parent'] },
  { type: 'Datacenter', paths: ['name', 'parent'] },
  {
    type: 'HostSystem',
    paths: ['name', 'summary.config.product.version', 'runtime.connectionState', 'config.network.vnic'],
  },
  { type: 'Datastore', paths: ['name', 'summary'] },
  { type: 'Network', paths: ['name'] },
  { type: 'DistributedVirtualPortgroup', paths: ['name', 'key'] },
  { type: 'OpaqueNetwork', paths: ['name', 'summary'] },
];

const networkKinds: Readonly<Record<string, VcenterNetwork['kind']>> = {
  Network: 'network',
  DistributedVirtualPortgroup: 'distributed_port_group',
  OpaqueNetwork: 'opaque',
};

/** What is mapped to the cloud besides VMs. */
export async function readInventory(connection: Connection, { signal }: Signalled): Promise<VcenterInventory> {
  const names = createNames(connection.roots.rootFolder.value);
  const found: Found[] = [];
  await withView(connection, { types: wanted.map(({ type }) => type), signal }, (view) =>
    collect(connection, filterSpec('specSet', wanted, [inView(view)]), {
      onObject: (one) => {
        names.learn(one);
        found.push(one);
      },
      signal,
    }),
  );
  const all = <T>(type: RegExp, read: (one: Found, name: string) => T): T[] =>
    found
      .filter(({ ref }) => type.test(ref.type))
      .map((one) => ({ one, name: names.nameOf(one.ref.value) ?? one.ref.value }))
      .sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
      .map(({ one, name }) => read(one, name));
  return {
    datacenters: all(/^Datacenter$/, ({ ref: { value } }, name) => ({
      moRef: value,
      name,
      path: names.placeOf(value)?.datacenterPath ?? name,
    })),
    hosts: all(/^HostSystem$/, hostIn),
    datastores: all(/^Datastore$/, datastoreIn),
    networks: all(/Network|DistributedVirtualPortgroup/, ({ ref }, name) => ({
      moRef: ref.value,
      name,
      kind: networkKinds[ref.type] ?? 'network',
    })),
  };
}

function hostIn({ ref, properties }: Found, name: string): VcenterHost {
  const vnics = properties.get('config.network.vnic')?.children ?? [];
  return {
    moRef: ref.value,
    name,
    version: properties.get('summary.config.product.version')?.text ?? null,
    connectionState: properties.get('runtime.connectionState')?.text ?? null,
    addresses: vnics.flatMap((vnic) => filledTextOf(vnic, 'spec.ip.ipAddress') ?? []),
  };
}

function datastoreIn({ ref, properties }: Found, name: string): VcenterDatastore {
  const summary: Element = properties.get('summary') ?? { name, type: null, refType: null, children: [], text: '' };
  return {
    moRef: ref.value,
    name,
    type: filledTextOf(summary, 'type'),
    capacityBytes: longOf(summary, 'capacity'),
    freeBytes: longOf(summary, 'freeSpace'),
    accessible: flagOf(summary, 'accessible'),
  };
}
