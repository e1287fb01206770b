import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { actOnce } from '../../engine/act-once.ts';
import { createTurns } from '../../engine/turns.ts';
import type { RunContext } from '../../engine/workflow.ts';
import type { JobRows } from '../../ports/rows.ts';
import type { Signalled } from '../../ports/signalled.ts';

/**
 * Slots of the appliance for attached disks. A job takes all it needs at once, in the order of arrival, and keeps them
 * until its volumes are detached, also while it is held and over restarts (rule J3).
 */
export type Slots = {
  reserve(context: RunContext, jobId: string, needed: number): Promise<void>;
  release(jobId: string): void;
  /** The appliance may take more disks than before. */
  reconsider(): void;
  /** Disks that no job holds may have come or gone: they are counted again. */
  recount(options: Signalled): Promise<void>;
};

type Parts = {
  readonly jobs: JobRows;
  readonly capacity: () => number;
  /** Disks on the appliance that no unfinished job holds: left attached, or attached by hand. */
  readonly countOthers: (options: Signalled) => Promise<number>;
};

export async function createSlots({ jobs, capacity, countOthers }: Parts): Promise<Slots> {
  let others = 0;
  const turns = createTurns(() => capacity() - others);
  const leaving = new Map<string, () => void>();
  for (const { jobId, slots } of await jobs.slotsHeld()) leaving.set(jobId, turns.take(slots));

  return {
    reserve: async (context, jobId, needed) => {
      if (leaving.has(jobId)) return;
      if (needed > capacity()) {
        throw new AppError(
          'SLOTS_TOO_FEW',
          `The VM has ${String(needed)} disks, the appliance takes ${String(capacity())}.`,
        );
      }
      others = await context.step('count-other-disks', { input: jobId, ...actOnce(z.int(), countOthers) });
      const enter = (): Promise<() => void> => turns.enter(needed, context.signal);
      const reason = 'OMA_SLOTS_FULL: waits for free slots on the appliance';
      leaving.set(jobId, turns.hasRoom(needed) ? await enter() : await context.waiting(reason, enter));
      await context.write((tx) => jobs.setSlots(tx, jobId, needed));
    },
    reconsider: turns.reconsider,
    recount: async (options) => {
      others = await countOthers(options);
      turns.reconsider();
    },
    release: (jobId) => {
      leaving.get(jobId)?.();
      leaving.delete(jobId);
    },
  };
}
