import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { HostSnapshot } from '../../domain/device.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { readDevice } from './read-device.ts';

const tickMs = 500;

/** The appliance's device tree on this machine, below one host root (`/`, or the demo environment's `oma/`). */
export function createLocalHostAccess({
  root,
  hostId,
  clock,
}: {
  readonly root: string;
  readonly hostId: string;
  readonly clock: Clock;
}): HostAccess {
  // Synchronous on purpose: 200 devices take 5 ms this way and 43 ms with promises.
  const read = (): HostSnapshot => {
    try {
      const bootId = readBootId(root);
      const devices = readdirSync(join(root, 'sys/block'))
        .sort()
        .flatMap((name) => readDevice(root, name) ?? []);
      // A reboot in the middle would mix the names of two boots.
      if (readBootId(root) !== bootId) throw new Error('the boot id changed while the tree was read');
      return { bootId, devices };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      throw new AppError('HOST_UNREADABLE', reason, { host_id: hostId, root }, { cause: error });
    }
  };
  return {
    hostId,
    root,
    snapshot: async ({ signal }) => {
      signal.throwIfAborted();
      return await Promise.resolve().then(read);
    },
    changed: (options) => nextChange({ folder: join(root, 'sys/block'), clock }, options),
  };
}

function readBootId(root: string): string {
  const bootId = readFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'utf8').trim();
  if (bootId === '') throw new Error('the boot id is empty');
  return bootId;
}

/** sysfs sends no inotify events, so the tick is what counts there; in a tree of plain files the watch is quicker. */
async function nextChange(
  { folder, clock }: { readonly folder: string; readonly clock: Clock },
  { signal }: Signalled,
): Promise<void> {
  signal.throwIfAborted();
  const settled = new AbortController();
  const forward = () => {
    settled.abort(signal.reason);
  };
  signal.addEventListener('abort', forward, { once: true });
  let watcher: FSWatcher | null = null;
  try {
    const hint = new Promise<void>((resolve) => {
      watcher = watchFolder(folder, resolve);
    });
    const tick = clock.sleep(tickMs, { signal: settled.signal });
    // The loser of the race is aborted below; its rejection is that abort and nothing else.
    tick.catch((error: unknown) => error);
    await Promise.race([hint, tick]);
    signal.throwIfAborted();
  } finally {
    signal.removeEventListener('abort', forward);
    settled.abort(new AppError('CANCELLED'));
    (watcher as FSWatcher | null)?.close();
  }
}

function watchFolder(folder: string, onHint: () => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, onHint);
    watcher.on('error', onHint);
    return watcher;
  } catch {
    // No watch (no folder, no inotify instance left): the tick alone still keeps the promise of 500 ms.
    return null;
  }
}
