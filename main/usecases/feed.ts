import type { Event, FeedMessage, ProgressFrame } from '../../shared/contract/events.ts';
import type { EventHistory } from '../ports/rows.ts';
import type { Signalled } from '../ports/signalled.ts';

type Listener = (message: FeedMessage) => void;

export type FollowOptions = Signalled & { readonly after: number; readonly deliver: Listener };

export type Feed = {
  /** Called after the commit, in the order of seq. */
  publish(event: Event): void;
  publishProgress(frame: ProgressFrame): void;
  /** What happened after `after`, without a gap, then what happens, until the signal aborts. */
  follow(history: EventHistory, options: FollowOptions): Promise<void>;
};

const batch = 500;

export function createFeed(): Feed {
  const listeners = new Set<Listener>();
  const tell = (message: FeedMessage): void => {
    for (const listener of listeners) listener(message);
  };

  return {
    publish: (event) => {
      tell({ kind: 'event', event });
    },
    publishProgress: (frame) => {
      tell({ kind: 'progress', frame });
    },
    follow: async (history, { after, deliver, signal }) => {
      let seen = after;
      let caughtUp = false;
      const held: FeedMessage[] = [];
      const pass = (message: FeedMessage): void => {
        if (message.kind === 'event') {
          if (message.event.seq <= seen) return;
          seen = message.event.seq;
        }
        deliver(message);
      };
      const listener: Listener = (message) => {
        if (caughtUp) pass(message);
        else if (message.kind === 'event') held.push(message);
      };
      listeners.add(listener);
      try {
        const { oldest, newest } = await history.bounds();
        if (after > newest || after + 1 < oldest) {
          deliver({ kind: 'resync', oldest_seq: oldest, newest_seq: newest });
          seen = newest;
        }
        for (
          let events = await history.after(seen, batch);
          events.length > 0;
          events = await history.after(seen, batch)
        ) {
          for (const event of events) pass({ kind: 'event', event });
        }
        caughtUp = true;
        for (const message of held) pass(message);
        await untilAborted(signal);
      } finally {
        listeners.delete(listener);
      }
    },
  };
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else
      signal.addEventListener('abort', () => {
        resolve();
      });
  });
