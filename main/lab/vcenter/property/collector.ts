import { randomUUID } from 'node:crypto';
import type { World } from '../objects/world.ts';
import { type Ref, ref, struct, text, type Value, written } from '../soap/value.ts';
import { VimFault } from '../soap/vim-fault.ts';
import type { FilterSpec } from './filter-spec.ts';
import { objectContent, selectObjects, type Told, tell } from './select.ts';

type Rest = { readonly left: readonly (readonly [FilterSpec, Ref])[]; readonly pageSize: number };

/** What one filter has told of each object, by its id. */
export type Seen = ReadonlyMap<string, ReadonlyMap<string, Told>>;

export type Collector = {
  readonly id: string;
  /** What is left of a retrieval. Each token can be used once. */
  readonly tokens: Map<string, Rest>;
  readonly filters: Map<string, FilterSpec>;
  /** The versions that a client may still name: the last one, and the one before in case the reply was lost. */
  versions: { readonly name: string; readonly seen: Seen }[];
  lastVersion: number;
  cancel: AbortController;
};

export const createCollector = (id: string): Collector => ({
  id,
  tokens: new Map(),
  filters: new Map(),
  versions: [],
  lastVersion: 0,
  cancel: new AbortController(),
});

/** The first page, all of it when there is no limit. */
export function retrieve(
  collector: Collector,
  world: World,
  { specs, pageSize }: { specs: readonly FilterSpec[]; pageSize: number },
): Value | undefined {
  const left = specs.flatMap((spec) => selectObjects(world, spec).map((object) => [spec, object.ref] as const));
  return left.length === 0 ? undefined : page(collector, world, { left, pageSize });
}

export function goOn(collector: Collector, world: World, token: string): Value | undefined {
  return page(collector, world, takeToken(collector, token));
}

export function takeToken(collector: Collector, token: string): Rest {
  const rest = collector.tokens.get(token);
  if (rest === undefined) {
    throw new VimFault('InvalidArgument', 'A specified parameter was not correct: token', {
      invalidProperty: text('token'),
    });
  }
  collector.tokens.delete(token);
  return rest;
}

function page(collector: Collector, world: World, { left, pageSize }: Rest): Value {
  const here = left.slice(0, pageSize);
  const rest = left.slice(pageSize);
  const token = rest.length === 0 ? null : randomUUID();
  if (token !== null) collector.tokens.set(token, { left: rest, pageSize });
  return struct('RetrieveResult', {
    token: token === null ? undefined : text(token),
    objects: written(contents('objects', world, here)),
  });
}

/** An object that has gone since is left out. */
export const contents = (name: string, world: World, wanted: readonly (readonly [FilterSpec, Ref])[]): string =>
  wanted
    .flatMap(([spec, target]) => {
      const object = world.find(target);
      return object === undefined ? [] : [objectContent(name, tell(world, object, spec))];
    })
    .join('');

export const filterRef = (id: string): Ref => ref('PropertyFilter', id);
