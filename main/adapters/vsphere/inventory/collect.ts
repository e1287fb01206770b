import { AppError } from '../../../../shared/errors.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { MoRef } from '../../../ports/vcenter.ts';
import type { Connection } from '../session.ts';
import { at, childrenOf, type Element, filledTextOf, refAt, required } from '../soap/element.ts';
import { faultError, localizedFault } from '../soap/fault.ts';
import { group, value, type Xml } from '../soap/request.ts';

/** Properties that are absent were not told: unset, or not to be seen by this user. */
export type Found = { readonly ref: MoRef; readonly properties: ReadonlyMap<string, Element> };

type Collecting = Signalled & {
  readonly onObject: (found: Found) => void;
  readonly onPage?: () => void;
  readonly maxObjects?: number;
  /** The rest is neither asked for nor kept ready by vCenter. */
  readonly firstPageOnly?: boolean;
};

const pageObjects = 200;

/** One RetrievePropertiesEx, and its tokens to the end. */
export async function collect(connection: Connection, spec: Xml, options: Collecting): Promise<void> {
  const { call, roots } = connection;
  const { onObject, onPage, signal, maxObjects = pageObjects } = options;
  const each = { path: 'returnval.objects', onElement: (element: Element) => onObject(foundIn(element)) };
  const next = async (method: string, args: readonly Xml[]): Promise<string | null> => {
    const reply = await call(method, roots.propertyCollector, { args, each, signal });
    onPage?.();
    return filledTextOf(reply, 'returnval.token');
  };
  let token = await next('RetrievePropertiesEx', [spec, group('options', value('maxObjects', maxObjects))]);
  while (token !== null && options.firstPageOnly !== true) {
    token = await next('ContinueRetrievePropertiesEx', [value('token', token)]);
  }
  if (token !== null) {
    await call('CancelRetrievePropertiesEx', roots.propertyCollector, { args: [value('token', token)], signal });
  }
}

/** One object's properties. */
export async function collectOne(connection: Connection, spec: Xml, signalled: Signalled): Promise<Found> {
  let found: Found | null = null;
  const onObject = (one: Found): void => {
    found = one;
  };
  await collect(connection, spec, { ...signalled, onObject });
  return required<Found>(found, 'the object');
}

function foundIn(element: Element): Found {
  const ref = required(refAt(element, 'obj'), 'obj');
  const properties = new Map<string, Element>();
  for (const property of childrenOf(element, 'propSet')) {
    const name = filledTextOf(property, 'name');
    const val = at(property, 'val');
    if (name !== null && val !== null) properties.set(name, val);
  }
  throwIfSignedOut(element);
  return { ref, properties };
}

/** Without a session some servers do not refuse: they tell of every property that it is missing. */
export function throwIfSignedOut(element: Element): void {
  const missing = childrenOf(element, 'missingSet')[0];
  const fault = missing === undefined ? null : at(missing, 'fault');
  if (fault === null) return;
  const error = faultError('RetrievePropertiesEx', localizedFault(fault));
  if (error instanceof AppError && error.code === 'VCENTER_SESSION_EXPIRED') throw error;
}
