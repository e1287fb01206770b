import type { Signalled } from '../../../ports/signalled.ts';
import type { MoRef } from '../../../ports/vcenter.ts';
import type { Connection } from '../session.ts';
import { refAt, required } from '../soap/element.ts';
import { group, ref, typedGroup, value, type Xml } from '../soap/request.ts';
import { thenTidy } from '../then-tidy.ts';

/** Which properties of which kind of object. */
export type Wanted = { readonly type: string; readonly paths: readonly string[] };

const tidyMs = 10_000;

/** A view of everything of these kinds below the root; gone when `work` is done. */
export async function withView<T>(
  { roots, call }: Connection,
  { types, signal }: Signalled & { readonly types: readonly string[] },
  work: (view: MoRef) => Promise<T>,
): Promise<T> {
  const reply = await call('CreateContainerView', roots.viewManager, {
    args: [ref('container', roots.rootFolder), ...types.map((type) => value('type', type)), value('recursive', true)],
    signal,
  });
  const view = required(refAt(reply, 'returnval'), 'returnval');
  return thenTidy(work(view), (own) => call('DestroyView', view, { ...own, timeoutMs: tidyMs }));
}

/** What a view shows, without the view itself. */
export const inView = (view: MoRef): Xml =>
  group(
    'objectSet',
    ref('obj', view),
    value('skip', true),
    typedGroup(
      'selectSet',
      'TraversalSpec',
      value('name', 'inView'),
      value('type', view.type),
      value('path', 'view'),
      value('skip', false),
    ),
  );

export const oneObject = (target: MoRef): Xml => group('objectSet', ref('obj', target), value('skip', false));

export const filterSpec = (name: string, wanted: readonly Wanted[], objects: readonly Xml[]): Xml =>
  group(
    name,
    ...wanted.map(({ type, paths }) =>
      group('propSet', value('type', type), value('all', false), ...paths.map((path) => value('pathSet', path))),
    ),
    ...objects,
  );
