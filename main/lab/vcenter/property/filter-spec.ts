import { isKnownType } from '../objects/managed-object.ts';
import { fieldsOf, refOf } from '../soap/envelope.ts';
import type { Element } from '../soap/read.ts';
import { childrenOf } from '../soap/read.ts';
import type { Ref } from '../soap/value.ts';
import { text } from '../soap/value.ts';
import { invalidRequest, VimFault } from '../soap/vim-fault.ts';

export type PropSpec = { readonly type: string; readonly all: boolean; readonly paths: readonly string[] };

export type Traversal = {
  readonly type: string;
  readonly path: string;
  readonly skip: boolean;
  /** Names of traversals to go on with. */
  readonly next: readonly string[];
};

export type ObjectSpec = {
  readonly object: Ref;
  readonly skip: boolean;
  readonly first: readonly string[];
};

export type FilterSpec = {
  readonly properties: readonly PropSpec[];
  readonly objects: readonly ObjectSpec[];
  /** By name; those without one got one here. */
  readonly traversals: ReadonlyMap<string, Traversal>;
};

export function readFilterSpec(element: Element): FilterSpec {
  const traversals = new Map<string, Traversal>();
  const readSelections = (parent: Element): string[] =>
    childrenOf(parent, 'selectSet').map((selection) => {
      const fields = fieldsOf(selection.children);
      const given = fields.text('name')?.trim() ?? '';
      if (selection.xsiType !== 'TraversalSpec') {
        if (given === '') throw invalidRequest('A SelectionSpec must name a traversal.');
        return given;
      }
      const name = given === '' ? `#${traversals.size}` : given;
      const traversal = {
        type: typeNamed(fields.text('type')),
        path: fields.text('path')?.trim() ?? '',
        skip: fields.flag('skip') ?? false,
        next: [] as readonly string[],
      };
      // Before what is inside: it may name this one.
      traversals.set(name, traversal);
      traversal.next = readSelections(selection);
      return name;
    });
  const properties = childrenOf(element, 'propSet').map((propSet) => {
    const fields = fieldsOf(propSet.children);
    return {
      type: typeNamed(fields.text('type')),
      all: fields.flag('all') ?? false,
      paths: fields.many('pathSet').map((path) => path.text.trim()),
    };
  });
  const objects = childrenOf(element, 'objectSet').map((objectSet) => {
    const fields = fieldsOf(objectSet.children);
    const object = fields.one('obj');
    if (object === undefined) throw invalidRequest('Required parameter obj is missing.');
    return { object: refOf(object), skip: fields.flag('skip') ?? false, first: readSelections(objectSet) };
  });
  if (properties.length === 0 || objects.length === 0) throw invalidRequest('A filter needs propSet and objectSet.');
  return { properties, objects, traversals };
}

function typeNamed(name: string | undefined): string {
  const type = name?.trim() ?? '';
  if (!isKnownType(type))
    throw new VimFault('InvalidType', `A specified type was not correct: ${type}`, { argument: text(type) });
  return type;
}
