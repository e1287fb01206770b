import type { VmSpec } from '../../../domain/vm-spec.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { Connection } from '../session.ts';
import { partsOf, vmWanted } from '../vm/properties.ts';
import { isComplete, type KnownVm, specOf } from '../vm/spec.ts';
import { collect, collectOne } from './collect.ts';
import { createNames, isSurrounding, surroundings } from './names.ts';
import { filterSpec, inView, oneObject, withView } from './view.ts';

const surroundingTypes = surroundings.map(({ type }) => type);
const rowsAtOnce = 100;
const wanted = [...surroundings, vmWanted];

/**
 * All VMs in one retrieval. Two views, so that what VMs refer to comes first and the first page has finished rows; a
 * server that mixes them makes rows wait, not wrong.
 */
export async function collectVms(
  connection: Connection,
  { onPage, signal }: Signalled & { readonly onPage: (page: readonly VmSpec[]) => void },
): Promise<void> {
  const names = createNames(connection.roots.rootFolder.value);
  let waiting: KnownVm[] = [];
  const hand = (isReady: (vm: KnownVm) => boolean): void => {
    const ready: KnownVm[] = [];
    const later: KnownVm[] = [];
    for (const vm of waiting) (isReady(vm) ? ready : later).push(vm);
    waiting = later;
    if (ready.length > 0) onPage(ready.map((vm) => specOf(vm, names)));
  };
  await withView(connection, { types: surroundingTypes, signal }, (around) =>
    withView(connection, { types: ['VirtualMachine'], signal }, (vms) =>
      collect(connection, filterSpec('specSet', wanted, [inView(around), inView(vms)]), {
        onObject: ({ ref, properties }) => {
          if (isSurrounding(ref)) names.learn({ ref, properties });
          else waiting.push({ moRef: ref.value, parts: partsOf(properties) });
          // A server without paging sends all in one; rows do not wait for its end.
          if (waiting.length % rowsAtOnce === 0) hand((vm) => isComplete(vm, names));
        },
        onPage: () => hand((vm) => isComplete(vm, names)),
        signal,
      }),
    ),
  );
  // What is still without a name lies where this user may not look.
  hand(() => true);
}

export async function readVm(connection: Connection, moRef: string, signalled: Signalled): Promise<VmSpec> {
  const names = createNames(connection.roots.rootFolder.value);
  const target = { type: 'VirtualMachine', value: moRef };
  const { properties } = await collectOne(
    connection,
    filterSpec('specSet', [vmWanted], [oneObject(target)]),
    signalled,
  );
  const vm = { moRef, parts: partsOf(properties) };
  await withView(connection, { types: surroundingTypes, ...signalled }, (around) =>
    collect(connection, filterSpec('specSet', surroundings, [inView(around)]), { ...signalled, onObject: names.learn }),
  );
  return specOf(vm, names);
}

/** By name as people sort them, then by MoRef: the same inventory is always in the same order. */
export function inOrder(specs: readonly VmSpec[]): VmSpec[] {
  const compare = new Intl.Collator('en', { numeric: true }).compare;
  return [...specs].sort((a, b) => compare(a.name, b.name) || compare(a.moRef, b.moRef));
}
