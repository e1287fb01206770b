import type { Ref, Value } from '../soap/value.ts';
import { text } from '../soap/value.ts';
import { VimFault } from '../soap/vim-fault.ts';

export type Properties = Readonly<Record<string, () => Value | undefined>>;

export type ManagedObject = {
  readonly ref: Ref;
  /** Of managed entities: the things with a place in the inventory. */
  readonly name: string | null;
  readonly parent: Ref | null;
  properties(): Properties;
};

/** What each type is besides itself. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  Folder: ['ManagedEntity'],
  Datacenter: ['ManagedEntity'],
  ClusterComputeResource: ['ComputeResource', 'ManagedEntity'],
  HostSystem: ['ManagedEntity'],
  ResourcePool: ['ManagedEntity'],
  Datastore: ['ManagedEntity'],
  Network: ['ManagedEntity'],
  DistributedVirtualPortgroup: ['Network', 'ManagedEntity'],
  VmwareDistributedVirtualSwitch: ['DistributedVirtualSwitch', 'ManagedEntity'],
  VirtualMachine: ['ManagedEntity'],
  ContainerView: ['ManagedObjectView', 'View'],
};

/** Types that may be asked for although the lab has none of them. */
const others = [
  'ComputeResource',
  'ManagedEntity',
  'DistributedVirtualSwitch',
  'ManagedObjectView',
  'View',
  'VirtualApp',
  'StoragePod',
  'OpaqueNetwork',
  'ListView',
];
const alone = [
  'ServiceInstance',
  'SessionManager',
  'PropertyCollector',
  'PropertyFilter',
  'Task',
  'VirtualMachineSnapshot',
  'AuthorizationManager',
  'ViewManager',
  'SearchIndex',
];

export const isA = (type: string, wanted: string): boolean =>
  type === wanted || (kinds[type]?.includes(wanted) ?? false);
export const isKnownType = (type: string): boolean => type in kinds || others.includes(type) || alone.includes(type);

/** A path below an object, e.g. config.hardware.device. Unset on the way is unset; a name that nothing has is a fault. */
export function valueAt(properties: Properties, path: string): Value | undefined {
  const [first = '', ...rest] = path.split('.');
  const own = Object.hasOwn(properties, first) ? properties[first] : undefined;
  if (own === undefined) throw invalidProperty(path);
  let value = own();
  for (const name of rest) {
    if (value === undefined) return undefined;
    if (value.kind !== 'struct' || !Object.hasOwn(value.fields, name)) throw invalidProperty(path);
    value = value.fields[name];
  }
  return value;
}

const invalidProperty = (name: string): VimFault =>
  new VimFault('InvalidProperty', `A specified property was not correct: ${name}`, { name: text(name) });
