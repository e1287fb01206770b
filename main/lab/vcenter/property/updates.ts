import type { World } from '../objects/world.ts';
import { bool, list, struct, text, type Value, word, written } from '../soap/value.ts';
import { VimFault } from '../soap/vim-fault.ts';
import { type Collector, filterRef, type Seen } from './collector.ts';
import { selectObjects, type Told, tell } from './select.ts';

type Update = {
  readonly filterId: string;
  readonly kind: 'enter' | 'modify' | 'leave';
  readonly told: Told;
  /** Properties to tell, null for one that is no longer set. */
  readonly changes: readonly (readonly [path: string, xml: string | null])[];
};

/** What the client of `version` has been told. */
export function seenAt(collector: Collector, version: string): Seen {
  if (version === '') return new Map();
  const known = collector.versions.find(({ name }) => name === version);
  if (known === undefined) {
    throw new VimFault('InvalidCollectorVersion', 'The collector version is not valid.');
  }
  return known.seen;
}

/** The next set of updates, or null when nothing is new. What does not fit comes with the next call. */
export function updatesSince(
  collector: Collector,
  world: World,
  { seen, most }: { seen: Seen; most: number },
): Value | null {
  const all = [...collector.filters].flatMap(([filterId, spec]) => {
    const now = new Map(selectObjects(world, spec).map((object) => [object.ref.id, tell(world, object, spec)]));
    return compare(filterId, seen.get(filterId) ?? new Map<string, Told>(), now);
  });
  if (all.length === 0) return null;
  const told = all.slice(0, most);
  collector.lastVersion += 1;
  const name = String(collector.lastVersion);
  const next = { name, seen: apply(seen, told) };
  collector.versions = [...collector.versions.slice(-1), next];
  return updateSet(name, told, told.length < all.length);
}

function compare(filterId: string, before: ReadonlyMap<string, Told>, now: ReadonlyMap<string, Told>): Update[] {
  const updates: Update[] = [];
  for (const [id, told] of now) {
    const old = before.get(id);
    if (old === undefined) {
      updates.push({ filterId, kind: 'enter', told, changes: [...told.values] });
      continue;
    }
    const changed = [...told.values].filter(([path, xml]) => old.values.get(path) !== xml);
    const unset = [...old.values.keys()].filter((path) => !told.values.has(path)).map((path) => [path, null] as const);
    if (changed.length + unset.length > 0 || old.missing !== told.missing) {
      updates.push({ filterId, kind: 'modify', told, changes: [...changed, ...unset] });
    }
  }
  for (const [id, told] of before) if (!now.has(id)) updates.push({ filterId, kind: 'leave', told, changes: [] });
  return updates;
}

function apply(seen: Seen, updates: readonly Update[]): Seen {
  const next = new Map([...seen].map(([filterId, objects]) => [filterId, new Map(objects)]));
  for (const { filterId, kind, told } of updates) {
    const objects = next.get(filterId) ?? new Map<string, Told>();
    next.set(filterId, objects);
    if (kind === 'leave') objects.delete(told.ref.id);
    else objects.set(told.ref.id, told);
  }
  return next;
}

function updateSet(version: string, updates: readonly Update[], truncated: boolean): Value {
  const byFilter = new Map<string, Update[]>();
  for (const update of updates) byFilter.set(update.filterId, [...(byFilter.get(update.filterId) ?? []), update]);
  return struct('UpdateSet', {
    version: text(version),
    filterSet: list(
      'PropertyFilterUpdate',
      [...byFilter].map(([id, ofFilter]) =>
        struct('PropertyFilterUpdate', {
          filter: filterRef(id),
          objectSet: list('ObjectUpdate', ofFilter.map(objectUpdate)),
        }),
      ),
    ),
    truncated: truncated ? bool(true) : undefined,
  });
}

const objectUpdate = ({ kind, told, changes }: Update): Value =>
  struct('ObjectUpdate', {
    kind: word('ObjectUpdateKind', kind),
    obj: told.ref,
    changeSet: list(
      'PropertyChange',
      changes.map(([path, xml]) =>
        struct('PropertyChange', {
          name: text(path),
          op: word('PropertyChangeOp', 'assign'),
          val: xml === null ? undefined : written(xml),
        }),
      ),
    ),
    missingSet: kind === 'leave' || told.missing === '' ? undefined : written(told.missing),
  });
