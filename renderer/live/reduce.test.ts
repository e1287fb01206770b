import { describe, expect, it } from 'vitest';
import type { EventBody } from '../../shared/contract/events.ts';
import type { NbdExport } from '../../shared/contract/exports.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import type { DeviceMapping, Volume } from '../../shared/contract/volumes.ts';
import { type Change, exportKey, frameKey, type LiveState, nothingYet, type Snapshot } from './entities.ts';
import { reduce } from './reduce.ts';

const jobId = '019361aa-0000-7000-8000-000000000001';
const volumeId = 'a0a0a0a0-0000-4000-8000-000000000001';
const at = (second: number): string => `2026-01-01T10:00:${String(second).padStart(2, '0')}.000Z`;

const migration = (second: number, change: Partial<Migration> = {}): Migration => ({
  id: jobId,
  vm_id: '019361aa-0000-7000-8000-000000000002',
  vm_name: 'pgtest2',
  status: 'running',
  reason: null,
  phase: 'transfer',
  timeline: [],
  proof: null,
  bytes_total: 1000,
  bytes_copied: 0,
  rate_bytes_per_second: null,
  limit_mib_per_second: null,
  eta_seconds: null,
  error: null,
  left_behind: [],
  cancel_requested: false,
  created_at: at(0),
  updated_at: at(second),
  completed_at: null,
  disks: [],
  ...change,
});

const mapping = (change: Partial<DeviceMapping> = {}): DeviceMapping => ({
  id: '019361aa-0000-7000-8000-000000000003',
  volume_id: volumeId,
  vm_id: '019361aa-0000-7000-8000-000000000004',
  host_id: 'oma-1',
  device_path: '/dev/vdc',
  dev: '7:3',
  diskseq: '41',
  serial: 'a0a0a0a0000040008000',
  size_bytes: 1000,
  boot_id: '019361aa-0000-7000-8000-000000000005',
  evidence: { kind: 'serial', serial: 'a0a0a0a0000040008000', excess_bytes: 0 },
  observed_at: at(1),
  ended_at: null,
  ended_because: null,
  ...change,
});

const volume = (second: number, change: Partial<Volume> = {}): Volume => ({
  volume_id: volumeId,
  name: 'pgmig-pgtest2',
  size_bytes: 1000,
  status: 'attached',
  origin: 'made',
  role: 'replica',
  job_id: jobId,
  source_disk: null,
  metadata: {},
  received_data: false,
  mapping: null,
  created_at: at(0),
  updated_at: at(second),
  ...change,
});

const nbdExport = (change: Partial<NbdExport> = {}): NbdExport => ({
  export_name: `migration-vol-${volumeId}`,
  volume_id: volumeId,
  job_id: jobId,
  vm_name: 'pgtest2',
  device_path: '/dev/vdc',
  dev: '7:3',
  port: 10809,
  status: 'active',
  opened_at: at(2),
  closed_at: null,
  clients: [],
  ...change,
});

const snapshot = (change: Partial<Snapshot> = {}): Snapshot => ({
  newestSeq: 10,
  lab: true,
  version: '0.1.0',
  migrations: [],
  operations: [],
  volumes: [],
  exports: [],
  nbdServer: { pid: 1, port: 10809 },
  ...change,
});

const event = (seq: number, body: EventBody): Change => ({
  kind: 'feed',
  at: at(30),
  message: { kind: 'event', event: { seq, at: at(30), body } },
});
const frame = { job_id: jobId, disk_key: 2000, activity: 'transfer', bytes_done: 500, bytes_total: 1000 } as const;
const progress: Change = {
  kind: 'feed',
  at: at(31),
  message: { kind: 'progress', frame: { ...frame, rate_bytes_per_second: 100, clients: 1 } },
};
const after = (...changes: Change[]): LiveState => changes.reduce(reduce, nothingYet);
const loaded = (change: Partial<Snapshot> = {}): Change => ({
  kind: 'snapshot',
  snapshot: snapshot(change),
  at: at(20),
});

describe('what the window knows', () => {
  it('is nothing before the first snapshot, and live after it', () => {
    expect(nothingYet.loaded).toBe(false);
    const state = after(loaded({ migrations: [migration(5)] }));
    expect(state.loaded).toBe(true);
    expect(state.connection).toEqual({ state: 'live' });
    expect(state.migrations[jobId]?.vm_name).toBe('pgtest2');
    expect(state.lastSeenAt).toBe(at(20));
  });

  it('follows the events after the snapshot and skips those it already has', () => {
    const state = after(
      loaded({ migrations: [migration(5)] }),
      event(10, { type: 'migration.changed', migration: migration(6, { phase: 'finalize' }) }),
      event(11, { type: 'migration.changed', migration: migration(6, { phase: 'verify' }) }),
    );
    expect(state.migrations[jobId]?.phase).toBe('verify');
    expect(state.seq).toBe(11);
  });

  it('does not go back to an event that was made before the snapshot was read', () => {
    const state = after(
      loaded({ migrations: [migration(9, { phase: 'verify' })], volumes: [volume(9, { received_data: true })] }),
      event(11, { type: 'migration.changed', migration: migration(8, { phase: 'transfer' }) }),
      event(12, { type: 'volume.changed', volume: volume(8) }),
    );
    expect(state.migrations[jobId]?.phase).toBe('verify');
    expect(state.volumes[volumeId]?.received_data).toBe(true);
    expect(state.seq).toBe(12);
  });

  it('keeps the latest progress frame and drops it when the migration ends', () => {
    const running = after(loaded({ migrations: [migration(5)] }), progress);
    expect(running.frames[frameKey(frame)]?.bytes_done).toBe(500);
    const ended = reduce(
      running,
      event(11, { type: 'migration.changed', migration: migration(9, { status: 'completed', proof: 'full' }) }),
    );
    expect(ended.frames).toEqual({});
    expect(reduce(ended, progress).frames).toEqual({});
  });

  it('keeps an ended mapping with its reason after the volume has none', () => {
    const state = after(
      loaded({ volumes: [volume(5, { mapping: mapping() })] }),
      event(11, {
        type: 'volume.changed',
        volume: volume(6, { mapping: mapping({ ended_at: at(6), ended_because: 'detached' }) }),
      }),
      event(12, { type: 'volume.changed', volume: volume(7, { status: 'detached' }) }),
    );
    expect(Object.values(state.mappings)).toEqual([mapping({ ended_at: at(6), ended_because: 'detached' })]);
  });

  it('does not show a device as proved when its volume has another one, or none', () => {
    const moved = mapping({ id: '019361aa-0000-7000-8000-000000000009', device_path: '/dev/vdf' });
    const state = after(
      loaded({ volumes: [volume(5, { mapping: mapping() })] }),
      event(11, { type: 'volume.changed', volume: volume(6, { mapping: moved }) }),
    );
    expect(state.mappings[mapping().id]).toMatchObject({ ended_at: at(30) });
    expect(state.mappings[moved.id]?.ended_at).toBeNull();
    const gone = reduce(state, loaded({ volumes: [volume(8, { status: 'detached' })] }));
    expect(gone.mappings[moved.id]).toMatchObject({ ended_at: at(20) });
  });

  it('knows two openings of an export of the same name apart', () => {
    const closed = nbdExport({ status: 'closed', closed_at: at(9) });
    const again = nbdExport({ opened_at: at(12) });
    const state = after(
      loaded({ exports: [nbdExport()] }),
      event(11, { type: 'export.changed', export: closed }),
      event(12, { type: 'export.changed', export: again }),
    );
    expect(state.exports[exportKey(closed)]?.status).toBe('closed');
    expect(state.exports[exportKey(again)]?.status).toBe('active');
  });

  it('stays on the screen when the connection is lost, and says since when', () => {
    const failure = { error: 'The daemon does not answer.', code: 'DAEMON_UNREACHABLE', remedy: 'Wait.' } as const;
    const state = after(loaded({ migrations: [migration(5)] }), progress, { kind: 'lost', failure, at: at(50) });
    expect(state.connection).toEqual({ state: 'lost', failure });
    expect(state.lastSeenAt).toBe(at(31));
    expect(state.migrations[jobId]).toBeDefined();
    expect(reduce(state, loaded()).connection).toEqual({ state: 'live' });
  });

  it('keeps the last 500 log lines', () => {
    const lines = Array.from({ length: 600 }, (_, index) =>
      event(11 + index, { type: 'log.line', level: 'info', job_id: jobId, message: String(index), fields: {} }),
    );
    const { log } = after(loaded(), ...lines);
    expect(log).toHaveLength(500);
    expect(log.at(-1)?.message).toBe('599');
  });
});
