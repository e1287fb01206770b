import { isA, type ManagedObject, valueAt } from '../objects/managed-object.ts';
import type { World } from '../objects/world.ts';
import { type Ref, text, type Value } from '../soap/value.ts';
import { localized, noPermission, objectNotFound, VimFault } from '../soap/vim-fault.ts';
import { writeAny, writeField } from '../soap/write.ts';
import type { FilterSpec } from './filter-spec.ts';

/** The objects that a filter leads to, each once, in the order in which they are met. */
export function selectObjects(world: World, spec: FilterSpec): ManagedObject[] {
  const selected = new Map<string, ManagedObject>();
  const been = new Set<string>();
  const follow = (object: ManagedObject, names: readonly string[]): void => {
    for (const name of names) {
      const traversal = spec.traversals.get(name);
      if (traversal === undefined) {
        throw new VimFault('InvalidArgument', 'A specified parameter was not correct: selectSet', {
          invalidProperty: text('selectSet'),
        });
      }
      const step = `${name} ${object.ref.id}`;
      if (!isA(object.ref.type, traversal.type) || been.has(step)) continue;
      been.add(step);
      for (const target of refsIn(valueAt(object.properties(), traversal.path))) {
        const next = world.find(target);
        if (next === undefined) continue;
        if (!traversal.skip) selected.set(next.ref.id, next);
        follow(next, traversal.next);
      }
    }
  };
  for (const { object, skip, first } of spec.objects) {
    const start = world.find(object);
    if (start === undefined) throw objectNotFound(object);
    if (!skip) selected.set(start.ref.id, start);
    follow(start, first);
  }
  return [...selected.values()].filter((object) => spec.properties.some(({ type }) => isA(object.ref.type, type)));
}

function refsIn(value: Value | undefined): readonly Ref[] {
  if (value?.kind === 'ref') return [value];
  return value?.kind === 'list' ? value.items.filter((item): item is Ref => item.kind === 'ref') : [];
}

/** What is told of one object: each property as XML, and what may not be told. */
export type Told = { readonly ref: Ref; readonly values: ReadonlyMap<string, string>; readonly missing: string };

/** Without System.Read a name is all that one sees. */
const seenByAll = ['name', 'parent'];

export function tell(world: World, object: ManagedObject, spec: FilterSpec): Told {
  const properties = object.properties();
  const paths = new Set(
    spec.properties
      .filter(({ type }) => isA(object.ref.type, type))
      .flatMap(({ all, paths: some }) => (all ? Object.keys(properties) : some)),
  );
  const isHidden = (path: string): boolean => object.name !== null && !world.mayRead && !seenByAll.includes(path);
  const values = new Map<string, string>();
  const missing: string[] = [];
  for (const path of paths) {
    const value = valueAt(properties, path);
    if (isHidden(path)) {
      const fault = localized(noPermission(object.ref, 'System.Read'));
      missing.push(`<missingSet>${writeField('path', text(path))}${writeField('fault', fault)}</missingSet>`);
    } else if (value !== undefined) {
      values.set(path, writeAny('val', value));
    }
  }
  return { ref: object.ref, values, missing: missing.join('') };
}

export const objectContent = (name: string, { ref, values, missing }: Told): string => {
  const told = [...values].map(([path, xml]) => `<propSet>${writeField('name', text(path))}${xml}</propSet>`);
  return `<${name}>${writeField('obj', ref)}${told.join('')}${missing}</${name}>`;
};
