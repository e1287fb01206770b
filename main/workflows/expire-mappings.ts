import { isStill } from '../correlation/match.ts';
import type { Mapping } from '../domain/device.ts';
import type { HostAccess } from '../ports/host-access.ts';
import type { Log } from '../ports/log.ts';
import type { JobRows, MappingRows, OperationRows } from '../ports/rows.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { Store } from '../ports/store.ts';

type Parts = {
  readonly host: HostAccess;
  readonly mappings: MappingRows;
  readonly jobs: JobRows;
  readonly operations: OperationRows;
  readonly store: Store;
  readonly log: Log;
};

/**
 * Rule D1: an observation ends when the host shows something else, also while nobody asks. The watcher only says when to
 * look; what ends a mapping is a reading of its own. A volume that a migration or an operation is at is left to it: there a
 * device that changed is an error with evidence, not something to be quietly proved anew.
 */
export function expireMappings(parts: Parts, { signal }: Signalled): void {
  const { host, mappings, jobs, operations, store, log } = parts;
  let working: Promise<void> = Promise.resolve();
  const isInUse = async (volumeId: string): Promise<boolean> =>
    (await jobs.usingVolume(volumeId)) !== null || (await operations.unfinishedOn(volumeId));
  const look = async (): Promise<void> => {
    const idle: Mapping[] = [];
    for (const mapping of await mappings.openOn(host.hostId)) {
      if (!(await isInUse(mapping.volumeId))) idle.push(mapping);
    }
    if (idle.length === 0 || signal.aborted) return;
    const { bootId, devices } = await host.snapshot({ signal });
    await store.write(async (tx) => {
      await mappings.endAllOfOtherBoots(tx, host.hostId, bootId);
      for (const mapping of idle) {
        const now = devices.find(({ name }) => name === mapping.device.name);
        if (now !== undefined && isStill(mapping.device, now)) continue;
        await mappings.end(tx, mapping.id, now === undefined ? 'device gone' : 'device changed');
      }
    });
  };
  host.watch(
    ({ removed, changed, previousBootId, bootId }) => {
      if (removed.length === 0 && changed.length === 0 && (previousBootId === null || previousBootId === bootId))
        return;
      working = working.then(look).catch((error: unknown) => {
        // The tree of a host that is just booting cannot be read; its next change is looked at again.
        if (!signal.aborted) log.warn('mappings could not be compared with the host', { error });
      });
    },
    { signal },
  );
}
