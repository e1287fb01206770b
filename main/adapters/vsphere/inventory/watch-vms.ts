import type { VmSpec } from '../../../domain/vm-spec.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { VmChanges } from '../../../ports/vcenter.ts';
import { type Connection, isExpired } from '../session.ts';
import { partsOf, setPart, type VmParts, vmWanted } from '../vm/properties.ts';
import { isComplete, specOf } from '../vm/spec.ts';
import { createNames, isSurrounding, surroundings } from './names.ts';
import { followUpdates, type Update } from './updates.ts';
import { filterSpec, inView, withView } from './view.ts';

/** VMs that are known from before; a session that was renewed goes on from here, and only differences are told. */
export type Watched = Map<string, VmParts>;

type Watching = Signalled & { readonly watched: Watched; readonly onChanges: (changes: VmChanges) => void };

/** Resolves when vCenter ended a session that had told something: then the watch goes on in the next one. */
export async function followVms(connection: Connection, { watched, onChanges, signal }: Watching): Promise<void> {
  let hasTold = false;
  const wanted = [...surroundings, vmWanted];
  const types = wanted.map(({ type }) => type);
  const tracker = createTracker(watched, connection.roots.rootFolder.value);
  await withView(connection, { types, signal }, (view) =>
    followUpdates(connection, filterSpec('spec', wanted, [inView(view)]), {
      signal,
      onUpdate: tracker.take,
      onSet: ({ truncated }) => {
        const changes = tracker.changes({ truncated });
        if (changes !== null) onChanges(changes);
        hasTold = true;
        return 'go on';
      },
      onRestart: tracker.restart,
    }),
  ).catch((error: unknown) => {
    if (!hasTold || !isExpired(error)) throw error;
  });
}

function createTracker(watched: Watched, root: string) {
  let names = createNames(root);
  const dirty = new Set<string>();
  const gone = new Set<string>();
  let namesChanged = false;
  /** Not seen yet since the (re)start: at its end they are gone. */
  let unseen: Set<string> | null = new Set(watched.keys());

  const takeVm = ({ kind, ref: { value: moRef }, changes }: Update): void => {
    if (kind === 'leave') {
      watched.delete(moRef);
      dirty.delete(moRef);
      gone.add(moRef);
      return;
    }
    unseen?.delete(moRef);
    gone.delete(moRef);
    const parts: VmParts = (kind === 'enter' ? undefined : watched.get(moRef)) ?? partsOf([]);
    for (const [path, value] of changes) setPart(parts, path, value);
    watched.set(moRef, parts);
    dirty.add(moRef);
  };
  const takeSurrounding = ({ kind, ref, changes }: Update): void => {
    const properties = new Map(changes.flatMap(([path, value]) => (value === null ? [] : [[path, value] as const])));
    const isNews = kind === 'leave' ? names.forget(ref.value) : names.learn({ ref, properties });
    namesChanged ||= isNews;
  };
  return {
    take: (update: Update): void => (isSurrounding(update.ref) ? takeSurrounding(update) : takeVm(update)),
    changes: ({ truncated }: { readonly truncated: boolean }): VmChanges | null => {
      const first = unseen !== null;
      if (unseen !== null && !truncated) {
        for (const moRef of unseen) {
          watched.delete(moRef);
          gone.add(moRef);
        }
        unseen = null;
      }
      const complete = unseen === null;
      // A folder that was renamed is in the specification of many VMs. In the first look they wait for their names instead.
      if (namesChanged && !first) for (const moRef of watched.keys()) dirty.add(moRef);
      namesChanged = false;
      const changed: VmSpec[] = [];
      for (const moRef of dirty) {
        const vm = { moRef, parts: watched.get(moRef) ?? partsOf([]) };
        if (!complete && !isComplete(vm, names)) continue;
        changed.push(specOf(vm, names));
        dirty.delete(moRef);
      }
      if (changed.length === 0 && gone.size === 0 && !(first && complete)) return null;
      const left = [...gone];
      gone.clear();
      return { changed, gone: left, complete };
    },
    restart: (): void => {
      names = createNames(root);
      unseen = new Set(watched.keys());
    },
  };
}
