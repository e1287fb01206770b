import { AppError } from '../../../shared/errors.ts';
import type { HostSnapshot } from '../../domain/device.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Log } from '../../ports/log.ts';
import { createDeviceEvents, type DeviceEvents } from './device-events.ts';
import { createDeviceWatcher } from './device-watcher.ts';
import { diskNames, readBootId } from './look.ts';
import { readById } from './read-by-id.ts';
import { readDisk } from './read-disk.ts';
import { readHolders } from './read-holders.ts';

type Parts = {
  readonly root: string;
  readonly hostId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly events?: DeviceEvents;
};

/** The appliance's device tree on this machine, below one host root (`/`, or the demo environment's `oma/`). */
export function createLocalHostAccess({ root, hostId, clock, log, events }: Parts): HostAccess {
  let shared: Promise<HostSnapshot> | null = null;
  const readShared = (): Promise<HostSnapshot> => {
    // Twenty who wait for a device wake at once: whoever asks before the reading begins gets what it finds.
    shared ??= Promise.resolve().then(() => {
      shared = null;
      return readAll(root, hostId);
    });
    return shared;
  };
  return {
    hostId,
    root,
    snapshot: async ({ signal }) => {
      signal.throwIfAborted();
      return await readShared();
    },
    ...createDeviceWatcher({ root, clock, log, events: events ?? createDeviceEvents(root, { log }) }),
  };
}

/** Synchronous on purpose: 200 disks take a few milliseconds this way and ten times as long with promises. */
function readAll(root: string, hostId: string): HostSnapshot {
  try {
    const bootId = readBootId(root);
    const holdersOf = readHolders(root);
    const byIdOf = readById(root);
    const devices = diskNames(root).flatMap((name) => {
      const disk = readDisk(root, name);
      return disk === null ? [] : [{ ...disk, holders: holdersOf(disk), ...byIdOf(disk) }];
    });
    // A reboot in the middle would mix the names of two boots.
    if (readBootId(root) !== bootId) throw new Error('the boot id changed while the tree was read');
    return { bootId, devices };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('HOST_UNREADABLE', reason, { host_id: hostId, root }, { cause: error });
  }
}
