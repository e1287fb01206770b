import { AppError } from '../../../../shared/errors.ts';
import type { Clock } from '../../../ports/clock.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import { collectOne } from '../inventory/collect.ts';
import { awaitProperties } from '../inventory/updates.ts';
import { filterSpec, oneObject } from '../inventory/view.ts';
import type { Session } from '../session.ts';
import type { Element } from '../soap/element.ts';
import { powerStateIn } from '../vm/snapshots.ts';

const path = 'runtime.powerState';

type ShutDown = Signalled & { readonly timeoutMs: number; readonly clock: Clock };

/**
 * Asks the guest and waits for the truth: vCenter's answer only says that the guest was asked. Never switches off by
 * force, which would cost the guest its unwritten bytes and vCenter its change tracking.
 */
export async function shutDownGuest(
  session: Session,
  moRef: string,
  { timeoutMs, clock, signal }: ShutDown,
): Promise<void> {
  const target = { type: 'VirtualMachine', value: moRef };
  const isOff = (properties: ReadonlyMap<string, Element>): boolean =>
    powerStateIn(properties.get(path)?.text ?? null) === 'off';
  const spec = filterSpec('specSet', [{ type: target.type, paths: [path] }], [oneObject(target)]);
  const before = await session.run((connection) => collectOne(connection, spec, { signal }), { signal });
  if (isOff(before.properties)) return;
  await session.run(({ call }) => call('ShutdownGuest', target, { signal }), { signal });
  const deadline = new AbortController();
  const passOn = (): void => deadline.abort(signal.reason);
  signal.addEventListener('abort', passOn, { once: true });
  clock.sleep(timeoutMs, { signal: deadline.signal }).then(
    () => deadline.abort(new AppError('GUEST_STILL_ON', `It was waited for ${timeoutMs / 1000} s.`, { vm: moRef })),
    // It is off, and took the timer with it.
    () => undefined,
  );
  try {
    const awaited = { target, paths: [path], signal: deadline.signal };
    await session.run(
      (connection) => awaitProperties(connection, awaited, (properties) => (isOff(properties) ? true : null)),
      awaited,
    );
  } finally {
    signal.removeEventListener('abort', passOn);
    deadline.abort(new Error('The guest is no longer waited for.'));
  }
}
