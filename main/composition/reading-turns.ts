import { createTurns, type Turns } from '../engine/turns.ts';
import type { Signalled, Waiting } from '../ports/signalled.ts';

/** How many disks are read at once. A host's memory for such connections is small, and so is vCenter's number of them. */
export type ReadingLimits = { readonly perHost: number; readonly perVcenter: number };

type Place = { readonly siteId: string; readonly host: { readonly moRef: string; readonly name: string } | null };

export type ReadingTurns = {
  enter(place: Place, options: Signalled & { readonly waiting?: Waiting | undefined }): Promise<() => void>;
  reconsider(): void;
};

export function createReadingTurns(limits: () => ReadingLimits): ReadingTurns {
  const known = new Map<string, Turns>();
  const turnsOf = (key: string, capacity: () => number): Turns => {
    const turns = known.get(key) ?? createTurns(capacity);
    known.set(key, turns);
    return turns;
  };
  return {
    enter: async ({ siteId, host }, { signal, waiting = (_reason, work) => work() }) => {
      const enter = (turns: Turns, reason: string): Promise<() => void> =>
        turns.hasRoom(1) ? turns.enter(1, signal) : waiting(reason, () => turns.enter(1, signal));
      const leaveHost =
        host === null
          ? () => undefined
          : await enter(
              turnsOf(`${siteId}/${host.moRef}`, () => limits().perHost),
              `READS_FULL: waits to read from ${host.name}, from which ${String(limits().perHost)} disks are read already`,
            );
      // Always the host first: whoever waits for vCenter keeps nobody from it.
      try {
        const leaveVcenter = await enter(
          turnsOf(siteId, () => limits().perVcenter),
          `READS_FULL: waits to read through vCenter, through which ${String(limits().perVcenter)} disks are read already`,
        );
        return () => {
          leaveVcenter();
          leaveHost();
        };
      } catch (error) {
        leaveHost();
        throw error;
      }
    },
    reconsider: () => {
      for (const turns of known.values()) turns.reconsider();
    },
  };
}
