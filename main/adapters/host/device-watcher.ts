import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Log } from '../../ports/log.ts';
import { createBell } from './bell.ts';
import { changeBetween } from './device-change.ts';
import type { DeviceEvents } from './device-events.ts';
import { look, type Sighting } from './look.ts';
import { mayBeVolume } from './read-disk.ts';
import { createWaiters } from './waiters.ts';

type Parts = { readonly root: string; readonly clock: Clock; readonly log: Log; readonly events: DeviceEvents };
type Subscription = { readonly onChange: Parameters<HostAccess['watch']>[0]; last: Sighting | null };

/** One for all who wait: it starts with the first of them and ends with the last; nobody, no timer and no monitor. */
export function createDeviceWatcher(parts: Parts): Pick<HostAccess, 'changed' | 'watch' | 'close'> {
  const subscriptions = new Set<Subscription>();
  const waiters = createWaiters();
  const closing = new AbortController();
  const bell = createBell(parts.clock, closing.signal);
  let isRunning = false;
  let ended: Promise<void> = Promise.resolve();

  const isWanted = () => !closing.signal.aborted && subscriptions.size + waiters.count() > 0;

  const run = async (): Promise<void> => {
    const ending = new AbortController();
    const eye = createEye(parts, subscriptions);
    const onEvent = (name: string) => {
      if (!mayBeVolume(name)) return;
      eye.hear(name);
      bell.ring();
    };
    const events = parts.events.run(onEvent, { signal: ending.signal });
    try {
      // Who has just been told asks again at once: only the next tick can say that nobody waits any more.
      for (;;) {
        await bell.next();
        if (!isWanted()) return;
        eye.look();
        waiters.release();
      }
    } finally {
      isRunning = false;
      ending.abort(new AppError('CANCELLED'));
      await events;
    }
  };

  const start = (): void => {
    if (isRunning) return;
    isRunning = true;
    ended = Promise.all([ended, run()]).then(
      () => undefined,
      (error: unknown) => {
        parts.log.error('the device watcher failed', { error });
        waiters.fail(error);
      },
    );
  };

  return {
    changed: async ({ signal }) => {
      closing.signal.throwIfAborted();
      const wait = waiters.join(signal);
      start();
      try {
        await wait;
      } finally {
        if (signal.aborted && !isWanted()) bell.ring();
      }
    },
    watch: (onChange, { signal }) => {
      if (signal.aborted || closing.signal.aborted) return;
      const subscription = { onChange, last: null };
      const leave = () => {
        subscriptions.delete(subscription);
        if (!isWanted()) bell.ring();
      };
      signal.addEventListener('abort', leave, { once: true });
      subscriptions.add(subscription);
      start();
      // Its first report shall not wait for a tick.
      bell.ring();
    },
    close: async () => {
      closing.abort(new AppError('SHUTTING_DOWN'));
      subscriptions.clear();
      waiters.fail(closing.signal.reason);
      bell.ring();
      await ended;
    },
  };
}

/** Looks in passing, and tells every subscription what is different from its last report. */
function createEye({ root, log }: Parts, subscriptions: ReadonlySet<Subscription>) {
  const news = new Set<string>();
  let sighting: Sighting | null = null;
  let isReadable = true;

  const see = (): Sighting | null => {
    try {
      sighting = look(root, sighting, news);
      news.clear();
      isReadable = true;
      return sighting;
    } catch (error) {
      // An appliance that boots: it is looked at again, and what changed meanwhile is reported then.
      if (isReadable) log.warn('the device tree cannot be read', { error });
      isReadable = false;
      return null;
    }
  };
  const report = (subscription: Subscription, seen: Sighting): void => {
    const change = changeBetween(subscription.last, seen);
    subscription.last = seen;
    if (change === null) return;
    try {
      subscription.onChange(change);
    } catch (error) {
      log.error('a listener to device changes failed', { error });
    }
  };
  return {
    hear: (name: string) => {
      news.add(name);
    },
    look: () => {
      // Who only waits looks for himself.
      const seen = subscriptions.size === 0 ? null : see();
      if (seen !== null) for (const subscription of [...subscriptions]) report(subscription, seen);
    },
  };
}
