import { AppError } from '../../../shared/errors.ts';
import { createTurns } from '../../engine/turns.ts';
import type { RunContext } from '../../engine/workflow.ts';
import type { JobRows } from '../../ports/rows.ts';

/**
 * Slots of the appliance for attached disks. A job takes all it needs at once, in the order of arrival, and keeps them
 * until its volumes are detached, also while it is held and over restarts (rule J3).
 */
export type Slots = {
  reserve(context: RunContext, jobId: string, needed: number): Promise<void>;
  release(jobId: string): void;
  /** The appliance may take more disks than before. */
  reconsider(): void;
};

export async function createSlots(jobs: JobRows, capacity: () => number): Promise<Slots> {
  const turns = createTurns(capacity);
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
      const enter = (): Promise<() => void> => turns.enter(needed, context.signal);
      const reason = 'OMA_SLOTS_FULL: waits for free slots on the appliance';
      leaving.set(jobId, turns.hasRoom(needed) ? await enter() : await context.waiting(reason, enter));
      await context.write((tx) => jobs.setSlots(tx, jobId, needed));
    },
    reconsider: turns.reconsider,
    release: (jobId) => {
      leaving.get(jobId)?.();
      leaving.delete(jobId);
    },
  };
}
