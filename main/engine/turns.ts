import { orAborted } from './abort.ts';

type Waiter = { readonly weight: number; enter: () => void };

/** A fair gate: first come, first served, at most `capacity()` units inside. */
export type Turns = {
  /** Resolves with the way out once there is room. Rejects when the signal aborts; the place in line is then given up. */
  enter(weight: number, signal: AbortSignal): Promise<() => void>;
  /** Would enter() return at once? */
  hasRoom(weight: number): boolean;
  /** Takes units without waiting: what was already inside before a restart. */
  take(weight: number): () => void;
  /** The capacity may have grown. */
  reconsider(): void;
};

export function createTurns(capacity: () => number): Turns {
  const line: Waiter[] = [];
  let inside = 0;

  const admit = (): void => {
    for (let next = line[0]; next !== undefined && inside + next.weight <= capacity(); next = line[0]) {
      line.shift();
      next.enter();
    }
  };
  const take = (weight: number): (() => void) => {
    inside += weight;
    let out = false;
    return () => {
      if (out) return;
      out = true;
      inside -= weight;
      admit();
    };
  };

  const hasRoom = (weight: number): boolean => line.length === 0 && inside + weight <= capacity();

  return {
    take,
    hasRoom,
    reconsider: admit,
    enter: async (weight, signal) => {
      signal.throwIfAborted();
      if (hasRoom(weight)) return take(weight);
      let leave: (() => void) | undefined;
      const turn = new Promise<void>((resolve) => {
        line.push({
          weight,
          enter: () => {
            leave = take(weight);
            resolve();
          },
        });
      });
      const waiter = line.at(-1);
      try {
        await orAborted(turn, signal);
      } catch (error) {
        const place = waiter === undefined ? -1 : line.indexOf(waiter);
        if (place >= 0) line.splice(place, 1);
        leave?.();
        admit();
        throw error;
      }
      if (leave === undefined) throw new Error('a turn was given without a way out');
      return leave;
    },
  };
}
