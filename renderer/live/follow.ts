import type { Client } from '../../shared/client/client.ts';
import { AppError, asAppError, toErrorBody } from '../../shared/errors.ts';
import type { PageClock } from './clock.ts';
import type { Snapshot } from './entities.ts';
import type { LiveStore } from './store.ts';

type Options = {
  readonly client: Client;
  readonly store: LiveStore;
  readonly clock: PageClock;
  readonly signal: AbortSignal;
};

const firstPauseMs = 500;
const longestPauseMs = 10_000;

/**
 * Keeps the store true until the signal aborts: a snapshot, then every event after it; a lost connection is
 * taken up again with growing pauses, and what was known stays on the screen meanwhile.
 */
export async function follow(options: Options): Promise<void> {
  const { store, clock, signal } = options;
  let pauseMs = firstPauseMs;
  const connected = (): void => {
    pauseMs = firstPauseMs;
  };
  const stopped = (): boolean => signal.aborted;
  while (!stopped()) {
    try {
      await connectOnce(options, connected);
      continue;
    } catch (error) {
      if (stopped()) return;
      const failure = toErrorBody(error);
      const kind = asAppError(error).code === 'UNAUTHORIZED' ? 'signed-out' : 'lost';
      store.apply({ kind, failure, at: clock.now() });
      // A new session needs a new address; asking again would only fail again.
      if (kind === 'signed-out') return;
    }
    await pause(clock, pauseMs, signal);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}

/** Returns when the daemon asks for a resync, throws when the connection is lost. */
async function connectOnce({ client, store, clock, signal }: Options, connected: () => void): Promise<void> {
  const snapshot = await readSnapshot(client, signal);
  store.apply({ kind: 'snapshot', snapshot, at: clock.now() });
  connected();
  const inner = new AbortController();
  const stop = (): void => {
    inner.abort(signal.reason);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const readAgain = oneAtATime(() => readVms({ client, store, clock, signal }));
    await Promise.all([
      readAgain(),
      client.feed(
        snapshot.newestSeq,
        (message) => {
          if (message.kind === 'resync') inner.abort(new AppError('CANCELLED'));
          else store.apply({ kind: 'feed', message, at: clock.now() });
          if (message.kind === 'event' && message.event.body.type === 'inventory.changed') void readAgain();
        },
        { signal: inner.signal },
      ),
    ]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
  if (!inner.signal.aborted) throw new AppError('INTERNAL', 'The daemon ended the feed.');
}

/** The seq is taken first: events that happen while the lists are read come again, and never get lost. */
async function readSnapshot(client: Client, signal: AbortSignal): Promise<Snapshot> {
  const all = { query: { limit: 1000 } };
  const { newest_seq: newestSeq } = await client.call('listEvents', { query: { after: 0, limit: 1 } }, { signal });
  const [health, migrations, operations, volumes, exported] = await Promise.all([
    client.call('getHealth', {}, { signal }),
    client.call('listMigrations', all, { signal }),
    client.call('listOperations', all, { signal }),
    client.call('listVolumes', all, { signal }),
    client.call('listExports', all, { signal }),
  ]);
  return {
    newestSeq,
    lab: health.lab,
    version: health.version,
    migrations: migrations.migrations,
    operations: operations.operations,
    volumes: volumes.volumes,
    exports: exported.exports,
    nbdServer: { pid: exported.server_pid, port: exported.port },
  };
}

/** While one run is under way, any number of wishes become one more run after it. `work` never rejects. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const start = (): Promise<void> => {
    running = work().finally(() => {
      running = null;
    });
    return running;
  };
  return () => {
    if (running === null) return start();
    next ??= running.then(() => {
      next = null;
      return start();
    });
    return next;
  };
}

/** The inventory has its own failure: an unreadable source must not hide the migrations. */
export async function readVms({ client, store, clock, signal }: Options): Promise<void> {
  try {
    const { vms } = await client.call('listVms', {}, { signal });
    store.apply({ kind: 'vms', vms, at: clock.now() });
  } catch (error) {
    if (signal.aborted) return;
    store.apply({ kind: 'vms-failed', failure: toErrorBody(error), at: clock.now() });
  }
}

async function pause(clock: PageClock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
