import type { EventBody, FeedMessage } from '../../shared/contract/events.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import type { DeviceMapping, Volume } from '../../shared/contract/volumes.ts';
import { type Change, exportKey, frameKey, isEnded, type LiveState, type Snapshot } from './entities.ts';

const keptLogLines = 500;

/** What the window knows after a change. Pure: the same changes give the same state. */
export function reduce(state: LiveState, change: Change): LiveState {
  switch (change.kind) {
    case 'snapshot':
      return { ...applySnapshot(state, change.snapshot, change.at), lastSeenAt: change.at };
    case 'feed':
      return { ...applyMessage(state, change.message), connection: { state: 'live' }, lastSeenAt: change.at };
    case 'vms':
      return { ...state, vms: change.vms, vmsLoaded: true, vmsFailure: null, lastSeenAt: change.at };
    case 'vms-failed':
      return { ...state, vmsFailure: change.failure };
    case 'exports':
      return {
        ...state,
        exports: { ...state.exports, ...keyed(change.exports, exportKey) },
        nbdServer: change.nbdServer,
        lastSeenAt: change.at,
      };
    case 'migration':
      return { ...withMigration(state, change.migration), lastSeenAt: change.at };
    // What was known stays on the screen; only its age is told.
    case 'lost':
      return { ...state, connection: { state: 'lost', failure: change.failure } };
    case 'signed-out':
      return { ...state, connection: { state: 'signed-out', failure: change.failure } };
  }
}

function applySnapshot(state: LiveState, snapshot: Snapshot, at: string): LiveState {
  return {
    ...state,
    connection: { state: 'live' },
    loaded: true,
    seq: snapshot.newestSeq,
    lab: snapshot.lab,
    version: snapshot.version,
    migrations: keyed(snapshot.migrations, (entry) => entry.id),
    operations: keyed(snapshot.operations, (entry) => entry.id),
    volumes: keyed(snapshot.volumes, (entry) => entry.volume_id),
    exports: keyed(snapshot.exports, exportKey),
    mappings: snapshot.volumes.reduce((known, volume) => withMappingOf(known, volume, at), state.mappings),
    frames: {},
    nbdServer: snapshot.nbdServer,
  };
}

function applyMessage(state: LiveState, message: FeedMessage): LiveState {
  switch (message.kind) {
    case 'progress': {
      const migration = state.migrations[message.frame.job_id];
      // A late frame of a finished job would draw it as running.
      if (migration !== undefined && isEnded(migration)) return state;
      return { ...state, frames: { ...state.frames, [frameKey(message.frame)]: message.frame } };
    }
    case 'event': {
      const { seq, at, body } = message.event;
      if (seq <= state.seq) return state;
      return { ...applyEvent(state, { seq, at, body }), seq };
    }
    case 'resync':
      return state;
  }
}

function applyEvent(state: LiveState, event: { seq: number; at: string; body: EventBody }): LiveState {
  const { body } = event;
  switch (body.type) {
    case 'migration.changed':
      return withMigration(state, body.migration);
    case 'operation.changed':
      if (isOlder(body.operation, state.operations[body.operation.id])) return state;
      return { ...state, operations: { ...state.operations, [body.operation.id]: body.operation } };
    case 'volume.changed':
      return withVolume(state, body.volume, event.at);
    case 'export.changed':
      return { ...state, exports: { ...state.exports, [exportKey(body.export)]: body.export } };
    // The list is read anew by whoever follows the feed.
    case 'inventory.changed':
    case 'schedule.changed':
      return state;
    case 'log.line': {
      const line = { seq: event.seq, at: event.at, level: body.level, jobId: body.job_id, message: body.message };
      return { ...state, log: [...state.log, line].slice(-keptLogLines) };
    }
  }
}

function withMigration(state: LiveState, migration: Migration): LiveState {
  if (isOlder(migration, state.migrations[migration.id])) return state;
  const frames = isEnded(migration) ? withoutFrames(state, migration.id) : state.frames;
  return { ...state, frames, migrations: { ...state.migrations, [migration.id]: migration } };
}

function withVolume(state: LiveState, volume: Volume, at: string): LiveState {
  if (isOlder(volume, state.volumes[volume.volume_id])) return state;
  const mappings = withMappingOf(state.mappings, volume, at);
  return { ...state, mappings, volumes: { ...state.volumes, [volume.volume_id]: volume } };
}

function withoutFrames(state: LiveState, jobId: string): LiveState['frames'] {
  return Object.fromEntries(Object.entries(state.frames).filter(([, frame]) => frame.job_id !== jobId));
}

/** The feed starts at a seq taken before the snapshot, so its first events may be older than what is shown. */
const isOlder = (
  candidate: { readonly updated_at: string },
  known: { readonly updated_at: string } | undefined,
): boolean => known !== undefined && candidate.updated_at < known.updated_at;

/** Rule D1: a volume is one device at a time, so the mapping it has now ends every other one of it. */
function withMappingOf(mappings: LiveState['mappings'], volume: Volume, at: string): LiveState['mappings'] {
  const ended = Object.values(mappings)
    .filter((known) => known.volume_id === volume.volume_id && known.ended_at === null)
    .filter((known) => known.id !== volume.mapping?.id)
    .map((known): DeviceMapping => ({ ...known, ended_at: at }));
  const current = volume.mapping === null ? [] : [volume.mapping];
  return { ...mappings, ...keyed([...ended, ...current], (entry) => entry.id) };
}

function keyed<T>(entries: readonly T[], key: (entry: T) => string): Record<string, T> {
  return Object.fromEntries(entries.map((entry) => [key(entry), entry]));
}
