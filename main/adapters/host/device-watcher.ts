import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Log } from '../../ports/log.ts';
import { changeBetween } from './device-change.ts';
import type { DeviceEvents } from './device-events.ts';
import { look, type Sighting } from './look.ts';
import { mayBeVolume } from './read-disk.ts';

const tickMs = 500;
/** A disk that is plugged in is several events: they become one look. */
const burstMs = 20;

type Parts = { readonly root: string; readonly clock: Clock; readonly log: Log; readonly events: DeviceEvents };
type Subscription = { readonly onChange: Parameters<HostAccess['watch']>[0]; last: Sighting | null };
type Waiter = { readonly resolve: () => void; readonly reject: (reason: unknown) => void };

/** One for all who wait: it starts with the first of them and ends with the last; nobody, no timer and no monitor. */
export function createDeviceWatcher(parts: Parts): Pick<HostAccess, 'changed' | 'watch' | 'close'> {
  const subscriptions = new Set<Subscription>();
  const waiters = new Set<Waiter>();
  const closing = new AbortController();
  const bell = createBell(parts.clock, closing.signal);
  let isRunning = false;
  let ended: Promise<void> = Promise.resolve();

  const isWanted = () => !closing.signal.aborted && subscriptions.size + waiters.size > 0;

  const settleAll = (settle: (waiter: Waiter) => void) => {
    for (const waiter of waiters) settle(waiter);
    waiters.clear();
  };

  const start = (): void => {
    if (isRunning) return;
    isRunning = true;
    const running = keepLooking({
      parts,
      bell,
      subscriptions,
      isWanted,
      onLooked: () => {
        settleAll(({ resolve }) => {
          resolve();
        });
      },
    }).finally(() => {
      isRunning = false;
    });
    ended = Promise.all([ended, running]).then(
      () => undefined,
      (error: unknown) => {
        parts.log.error('the device watcher failed', { error });
        settleAll(({ reject }) => {
          reject(error);
        });
      },
    );
  };

  return {
    changed: async ({ signal }) => {
      closing.signal.throwIfAborted();
      const wait = waitAmong(waiters, signal);
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
      settleAll(({ reject }) => {
        reject(closing.signal.reason);
      });
      bell.ring();
      await ended;
    },
  };
}

type Looking = {
  readonly parts: Parts;
  readonly bell: Bell;
  readonly subscriptions: Set<Subscription>;
  readonly isWanted: () => boolean;
  readonly onLooked: () => void;
};

/** Looks at every tick and at every event, as long as anybody wants it. */
async function keepLooking({ parts, bell, subscriptions, isWanted, onLooked }: Looking): Promise<void> {
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
    await bell.next();
    while (isWanted()) {
      eye.look();
      onLooked();
      await bell.next();
    }
  } finally {
    ending.abort(new AppError('CANCELLED'));
    await events;
  }
}

/** Joins those who wait; settled by the watcher, or by the signal. */
async function waitAmong(waiters: Set<Waiter>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let leave = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = { resolve, reject };
      const abort = () => {
        reject(signal.reason as Error);
      };
      leave = () => {
        waiters.delete(waiter);
        signal.removeEventListener('abort', abort);
      };
      signal.addEventListener('abort', abort, { once: true });
      waiters.add(waiter);
    });
  } finally {
    leave();
  }
}

/** Rings every half second by itself, or when it is rung, but not twice within one burst; at once when all is closed. */
type Bell = { readonly ring: () => void; readonly next: () => Promise<void> };

function createBell(clock: Clock, closed: AbortSignal): Bell {
  let isRung = false;
  let lastMs = Number.NEGATIVE_INFINITY;
  let onRing = (): void => undefined;
  /** Resolves after `ms`, or when it is cut short. */
  const sleep = async (ms: number, nap: AbortController): Promise<void> => {
    const cut = () => {
      nap.abort(closed.reason);
    };
    closed.addEventListener('abort', cut, { once: true });
    try {
      await clock.sleep(ms, { signal: nap.signal });
    } catch (error) {
      if (!nap.signal.aborted) throw error;
    } finally {
      closed.removeEventListener('abort', cut);
    }
  };
  return {
    ring: () => {
      isRung = true;
      onRing();
    },
    next: async () => {
      const nap = new AbortController();
      onRing = () => {
        nap.abort(new AppError('CANCELLED'));
      };
      if (!isRung && !closed.aborted) await sleep(tickMs, nap);
      onRing = () => undefined;
      const restMs = lastMs + burstMs - clock.monotonicMs();
      if (restMs > 0 && !closed.aborted) await sleep(restMs, new AbortController());
      isRung = false;
      lastMs = clock.monotonicMs();
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
