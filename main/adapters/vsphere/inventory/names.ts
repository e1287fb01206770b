import type { MoRef } from '../../../ports/vcenter.ts';
import { type Element, filledTextOf, refOf } from '../soap/element.ts';
import type { Found } from './collect.ts';
import type { Wanted } from './view.ts';

/** vCenter writes these three in names as `%2f`, `%5c` and `%25`. */
export const unescapeName = (name: string): string =>
  name.replace(/%(2f|5c|25)/gi, (escape) => decodeURIComponent(escape));

type Named = { readonly type: string; readonly escapedName: string; readonly parent: string | null };

/** What VMs refer to: folders, datacenters, hosts, datastores, networks. */
export type Names = {
  /** False when nothing of it is news. */
  learn(found: Found): boolean;
  forget(moRef: string): boolean;
  nameOf(moRef: string): string | null;
  /** A distributed port group by the key that NICs carry. */
  portGroup(key: string): string | null;
  opaqueNetwork(id: string): string | null;
  /** `/DC0/vm/Web`, and the datacenter that lies on the way. */
  placeOf(folder: string): Place | null;
};

export type Place = {
  readonly path: string;
  readonly datacenter: string | null;
  readonly datacenterPath: string | null;
};

const named = ['name'];
const inTree = ['name', 'parent'];

export const surroundings: readonly Wanted[] = [
  { type: 'Folder', paths: inTree },
  { type: 'Datacenter', paths: inTree },
  { type: 'VirtualApp', paths: ['name', 'parentFolder'] },
  { type: 'HostSystem', paths: named },
  { type: 'Datastore', paths: named },
  { type: 'Network', paths: named },
  { type: 'DistributedVirtualPortgroup', paths: ['name', 'key'] },
  { type: 'OpaqueNetwork', paths: ['name', 'summary'] },
];

/** `root` is the MoRef of the inventory's root folder. */
export function createNames(root: string): Names {
  const all = new Map<string, Named>();
  const portGroups = new Map<string, string>();
  const opaque = new Map<string, string>();
  return {
    learn: ({ ref, properties }) => {
      const before = all.get(ref.value);
      const escapedName = properties.get('name')?.text ?? before?.escapedName ?? '';
      const parent = parentIn(properties) ?? before?.parent ?? null;
      const key = properties.get('key')?.text;
      if (key !== undefined) portGroups.set(key, ref.value);
      const id = filledTextAt(properties.get('summary'), 'opaqueNetworkId');
      if (id !== null) opaque.set(id, ref.value);
      if (before?.escapedName === escapedName && before.parent === parent) return false;
      all.set(ref.value, { type: ref.type, escapedName, parent });
      return true;
    },
    forget: (moRef) => all.delete(moRef),
    nameOf: (moRef) => {
      const found = all.get(moRef);
      return found === undefined ? null : unescapeName(found.escapedName);
    },
    portGroup: (key) => portGroups.get(key) ?? null,
    opaqueNetwork: (id) => opaque.get(id) ?? null,
    placeOf: (folder) => placeIn(all, folder, root),
  };
}

const filledTextAt = (element: Element | undefined, path: string): string | null =>
  element === undefined ? null : filledTextOf(element, path);

function parentIn(properties: ReadonlyMap<string, Element>): string | null {
  const element = properties.get('parent') ?? properties.get('parentFolder');
  return element === undefined ? null : refOf(element).value;
}

/** null when a part of the way is not known (yet). */
function placeIn(all: ReadonlyMap<string, Named>, folder: string, root: string): Place | null {
  const names: string[] = [];
  let datacenterAt: number | null = null;
  // The root folder has no place in paths.
  for (let here: string | null = folder; here !== root; ) {
    const found: Named | undefined = here === null ? undefined : all.get(here);
    if (found === undefined) return null;
    if (found.type === 'Datacenter') datacenterAt = names.length;
    names.push(found.escapedName);
    here = found.parent;
  }
  const path = (parts: readonly string[]): string => [...parts].reverse().join('/');
  const above = datacenterAt === null ? [] : names.slice(datacenterAt);
  return {
    path: `/${path(names)}`,
    datacenter: above[0] === undefined ? null : unescapeName(above[0]),
    datacenterPath: above.length === 0 ? null : path(above),
  };
}

export const isSurrounding = ({ type }: MoRef): boolean => type !== 'VirtualMachine';
