import { AppError } from '../../../../shared/errors.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { MoRef } from '../../../ports/vcenter.ts';
import type { Connection } from '../session.ts';
import { at, childrenOf, type Element, filledTextOf, flagOf, refAt, required, textOf } from '../soap/element.ts';
import { faultNameOf } from '../soap/fault.ts';
import { group, ref, value, type Xml } from '../soap/request.ts';
import { thenTidy } from '../then-tidy.ts';
import { throwIfSignedOut } from './collect.ts';

export type Update = {
  readonly kind: 'enter' | 'modify' | 'leave';
  readonly ref: MoRef;
  /** null: the property is no longer set. */
  readonly changes: readonly (readonly [path: string, value: Element | null])[];
};

type Following = Signalled & {
  readonly onUpdate: (update: Update) => void;
  /** What belongs together was told; `truncated`: more follows at once. `stop` ends the following. */
  readonly onSet: (set: { readonly truncated: boolean }) => 'go on' | 'stop';
  /** vCenter has lost its place: everything is told anew, as at the beginning. */
  readonly onRestart: () => void;
};

const waitSeconds = 20;
const exchangeMs = 140_000;
const updatesAtOnce = 200;
const tidyMs = 10_000;

/**
 * Follows the properties that `filter` names. With a property collector of its own: on the shared one, two who wait
 * would take each other's news.
 */
export async function followUpdates(connection: Connection, filter: Xml, following: Following): Promise<void> {
  const { call, roots } = connection;
  const { signal } = following;
  const created = await call('CreatePropertyCollector', roots.propertyCollector, { signal });
  const collector = required(refAt(created, 'returnval'), 'returnval');
  const follow = async (): Promise<void> => {
    await call('CreateFilter', collector, { args: [filter, value('partialUpdates', false)], signal });
    let version = '';
    for (;;) {
      const set = await nextSet({ call, collector, version }, following);
      if (set === 'lost') {
        version = '';
        following.onRestart();
      } else if (set !== null) {
        version = set.version;
        if (following.onSet(set) === 'stop') return;
      }
    }
  };
  // Its filters go with it.
  await thenTidy(follow(), (own) => call('DestroyPropertyCollector', collector, { ...own, timeoutMs: tidyMs }));
}

type Set = { readonly version: string; readonly truncated: boolean };

/** null: nothing happened for a while. */
async function nextSet(
  { call, collector, version }: Pick<Connection, 'call'> & { readonly collector: MoRef; readonly version: string },
  { onUpdate, signal }: Following,
): Promise<Set | 'lost' | null> {
  const options = group('options', value('maxWaitSeconds', waitSeconds), value('maxObjectUpdates', updatesAtOnce));
  const each = {
    path: 'returnval.filterSet.objectSet',
    onElement: (element: Element) => onUpdate(updateIn(element)),
  };
  try {
    const args = [value('version', version), options];
    const reply = await call('WaitForUpdatesEx', collector, { args, each, signal, timeoutMs: exchangeMs });
    const set = at(reply, 'returnval');
    if (set === null) return null;
    return {
      version: required(filledTextOf(set, 'version'), 'version'),
      truncated: flagOf(set, 'truncated') === true,
    };
  } catch (error) {
    if (faultNameOf(error) === 'InvalidCollectorVersion') return 'lost';
    throw error;
  }
}

function updateIn(element: Element): Update {
  throwIfSignedOut(element);
  return {
    kind: kindIn(textOf(element, 'kind')),
    ref: required(refAt(element, 'obj'), 'obj'),
    changes: childrenOf(element, 'changeSet').map((change) => {
      const gone = /remove/i.test(textOf(change, 'op') ?? '');
      return [textOf(change, 'name') ?? '', gone ? null : at(change, 'val')];
    }),
  };
}

function kindIn(text: string | null): Update['kind'] {
  if (text === 'enter' || text === 'modify' || text === 'leave') return text;
  throw new AppError('VCENTER_REPLY_INVALID', `WaitForUpdatesEx: unknown kind of update ${String(text)}.`);
}

/** Waits until one object's properties are as wanted. */
export async function awaitProperties<T>(
  connection: Connection,
  { target, paths, signal }: Signalled & { readonly target: MoRef; readonly paths: readonly string[] },
  look: (properties: ReadonlyMap<string, Element>) => T | null,
): Promise<T> {
  const properties = new Map<string, Element>();
  let found: T | null = null;
  const filter = group(
    'spec',
    group('propSet', value('type', target.type), value('all', false), ...paths.map((path) => value('pathSet', path))),
    group('objectSet', ref('obj', target), value('skip', false)),
  );
  await followUpdates(connection, filter, {
    signal,
    onUpdate: ({ kind, changes }) => {
      if (kind === 'leave') throw new AppError('VCENTER_OBJECT_GONE', `${target.type} ${target.value}.`);
      for (const [path, val] of changes) {
        if (val === null) properties.delete(path);
        else properties.set(path, val);
      }
    },
    onSet: () => {
      found = look(properties);
      return found === null ? 'go on' : 'stop';
    },
    onRestart: () => properties.clear(),
  });
  return required<T>(found, 'what was awaited');
}
