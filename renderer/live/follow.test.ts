import { describe, expect, it } from 'vitest';
import { createClient } from '../../shared/client/client.ts';
import type { Transport } from '../../shared/client/transport.ts';
import { AppError } from '../../shared/errors.ts';
import type { PageClock } from './clock.ts';
import { follow } from './follow.ts';
import { createLiveStore } from './store.ts';

type Feed = Transport['feed'];

const instant = '2026-01-01T10:00:00.000Z';
const instanceId = '019361aa-0000-7000-8000-000000000001';

/** A daemon that answers the lists and plays one feed after the other. */
function playFeeds(feeds: readonly Feed[], options: { readonly call?: () => void } = {}) {
  const stop = new AbortController();
  const pauses: number[] = [];
  const subscribedAfter: number[] = [];
  let newestSeq = 0;
  let played = 0;
  const replies: Record<string, () => unknown> = {
    getHealth: () => ({
      status: 'healthy',
      timestamp: instant,
      instance_id: instanceId,
      version: '0.1.0',
      lab: true,
      cloudstack_health: 'healthy',
      database_health: 'healthy',
      device_monitor: 'healthy',
      nbd_server: 'healthy',
      details: {},
    }),
    listVms: () => ({ vms: [] }),
    listMigrations: () => ({ migrations: [] }),
    listOperations: () => ({ operations: [] }),
    listVolumes: () => ({ volumes: [] }),
    listExports: () => ({ server_pid: null, port: 10809, exports: [], legacy: [] }),
    listEvents: () => ({ resync: false, newest_seq: newestSeq, events: [] }),
  };
  const transport: Transport = {
    call: async (name) => {
      options.call?.();
      return replies[name]?.();
    },
    feed: async (after, deliver, feedOptions) => {
      subscribedAfter.push(after);
      const feed = feeds[played];
      played += 1;
      newestSeq += 10;
      if (feed === undefined) {
        stop.abort();
        return;
      }
      await feed(after, deliver, feedOptions);
    },
  };
  const clock: PageClock = {
    now: () => instant,
    sleep: async (ms) => {
      pauses.push(ms);
    },
  };
  const store = createLiveStore();
  const states: string[] = [];
  store.api.subscribe((state) => {
    if (states.at(-1) !== state.connection.state) states.push(state.connection.state);
  });
  const run = () => follow({ client: createClient(transport), store, clock, signal: stop.signal });
  return { run, store, pauses, states, subscribedAfter, stop };
}

const lost: Feed = () => Promise.reject(new AppError('DAEMON_UNREACHABLE', 'connection reset'));

describe('following the daemon', () => {
  it('reads the lists, then the events after them', async () => {
    const daemon = playFeeds([]);
    await daemon.run();
    expect(daemon.subscribedAfter).toEqual([0]);
    expect(daemon.store.api.getState()).toMatchObject({ loaded: true, vmsLoaded: true, lab: true });
  });

  it('takes a lost connection up again from a new snapshot', async () => {
    const daemon = playFeeds([lost]);
    await daemon.run();
    expect(daemon.states).toEqual(['live', 'lost', 'live']);
    expect(daemon.subscribedAfter).toEqual([0, 10]);
  });

  it('treats a feed that just ends as lost', async () => {
    const daemon = playFeeds([() => Promise.resolve()]);
    await daemon.run();
    expect(daemon.states).toEqual(['live', 'lost', 'live']);
  });

  it('waits longer and longer, and not for ever', async () => {
    let calls = 0;
    const daemon = playFeeds([], {
      call: () => {
        calls += 1;
        if (calls === 12) daemon.stop.abort();
        throw new AppError('DAEMON_UNREACHABLE');
      },
    });
    await daemon.run();
    expect(daemon.pauses.slice(0, 6)).toEqual([500, 1000, 2000, 4000, 8000, 10_000]);
    expect(Math.max(...daemon.pauses)).toBe(10_000);
  });

  it('reads everything again at once when the history is gone', async () => {
    const resync: Feed = (_after, deliver, { signal }) => {
      deliver({ kind: 'resync', oldest_seq: 5, newest_seq: 10 });
      return signal.aborted ? Promise.resolve() : Promise.reject(new Error('the feed was not stopped'));
    };
    const daemon = playFeeds([resync]);
    await daemon.run();
    expect(daemon.pauses).toEqual([]);
    expect(daemon.subscribedAfter).toEqual([0, 10]);
  });

  it('stops asking when the session is over', async () => {
    const daemon = playFeeds([() => Promise.reject(new AppError('UNAUTHORIZED'))]);
    await daemon.run();
    expect(daemon.store.api.getState().connection.state).toBe('signed-out');
    expect(daemon.subscribedAfter).toHaveLength(1);
  });
});
