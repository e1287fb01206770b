import { describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { startMigration, testSignal, waitForBytes, waitForMigration } from '../fixtures/daemon-process.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { bytesInGrains, type Mutated, mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { snapshotsOf } from '../fixtures/lab-snapshots.ts';
import { arm } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { cancel, history, migrate } from '../fixtures/steer.ts';

const gib = 1024 ** 3;
const settings = { headroom_gib: 1, segment_mib: 32, parallel_transfers: 3, reuse_volumes: true };
const own = ownDaemon(settings, { labSource: 'vcenter' });

function expectEqualEnds(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job.status).toBe('completed');
  for (const ends of readLabEnds(own.dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

/** What the guest changed was sent, in whole grains, and next to nothing else. */
function expectOnlyChanged(job: Migration, { disks: changed }: Mutated): void {
  expect(job.proof).toBe('delta');
  for (const disk of job.disks) {
    const least = bytesInGrains(changed.find(({ key }) => key === disk.key)?.extents ?? []);
    expect(disk).toMatchObject({ mode: 'delta', full_because: null, bytes_changed: disk.bytes_copied });
    expect(disk.bytes_copied / least).toBeGreaterThan(0.97);
    expect(disk.bytes_copied / least).toBeLessThan(1.03);
    expect((disk.chunks_read ?? 0) + (disk.chunks_carried ?? 0)).toBe(Math.ceil(disk.capacity_bytes / (4 * 1024 ** 2)));
  }
}

describe('a VM that is on is copied again and again', () => {
  const vm = 'live-cbt-01';
  let last: Migration;

  test('the first copy is full, says why, and is proved in full', async () => {
    last = await migrate(own.daemon, vm);
    expectEqualEnds(last);
    expect(last.proof).toBe('full');
    const first = { mode: 'full', full_because: 'It is the first copy of this disk.', mover: 'lab' };
    expect(last.disks).toEqual([expect.objectContaining(first), expect.objectContaining(first)]);
    expect(await snapshotsOf(own.dir, vm)).toEqual([]);
  });

  test.each([
    ['random bytes', { bytes: 6 * 1024 ** 2, extents: 6, seed: 1 }],
    ['the same blocks become zero', { bytes: 6 * 1024 ** 2, extents: 6, seed: 1, zero: true }],
    ['bytes at odd places', { bytes: 90_000, extents: 30, seed: 3, unaligned: true }],
  ])('%s: only those are sent, and both ends are equal', async (_what, how) => {
    const changed = await mutate(own.dir, vm, how);
    const job = await migrate(own.daemon, vm);
    expectEqualEnds(job);
    expectOnlyChanged(job, changed);
    const from = { volume_id: expect.any(String) as string, carried_from: last.id };
    expect(job.disks).toEqual([expect.objectContaining(from), expect.objectContaining(from)]);
    expect(job.disks.map((disk) => disk.volume_id)).toEqual(last.disks.map((disk) => disk.volume_id));
    last = job;
  });

  test('nothing changed: nothing is sent, and a sample is read all the same', async () => {
    const job = await migrate(own.daemon, vm);
    expectEqualEnds(job);
    expect(job).toMatchObject({ proof: 'delta', bytes_copied: 0 });
    for (const disk of job.disks) expect(disk.chunks_read).toBeGreaterThan(0);
  });

  test('an audit sends what changed and reads all: the proof is full again', async () => {
    await mutate(own.dir, vm, { bytes: 2 * 1024 ** 2, extents: 4, seed: 4 });
    const job = await migrate(own.daemon, vm, { audit: true });
    expectEqualEnds(job);
    expect(job.proof).toBe('full');
    for (const disk of job.disks) {
      expect(disk).toMatchObject({ mode: 'delta', source_sha256: disk.target_sha256, chunks_read: null });
      expect(disk.bytes_copied).toBeLessThan(disk.capacity_bytes / 4);
    }
  });

  test('asked for in full: all of it is copied, and that is the reason', async () => {
    const job = await migrate(own.daemon, vm, { full: true });
    expectEqualEnds(job);
    expect(job.proof).toBe('full');
    for (const disk of job.disks) expect(disk).toMatchObject({ mode: 'full', full_because: 'It was asked for.' });
  });

  const capacityOf = async (): Promise<number | undefined> => {
    const { vms } = await own.daemon.client.call('listVms', {}, { signal: testSignal() });
    return vms.find(({ name }) => name === vm)?.disks[0]?.capacity_bytes;
  };

  test('a disk that grew: its new part counts as changed, and the volume has room for it', async () => {
    const before = await capacityOf();
    const changed = await mutate(own.dir, vm, { bytes: 400_000, extents: 4, seed: 5, grow_gib: 1 });
    await eventually(async () => (await capacityOf()) !== before, 'the inventory tells of the larger disk');
    const job = await migrate(own.daemon, vm);
    expectEqualEnds(job);
    const grown = { offset: before ?? 0, length: gib };
    const [first, ...others] = changed.disks;
    const extents = [...(first?.extents ?? []), grown];
    expectOnlyChanged(job, { disks: first === undefined ? [] : [{ ...first, extents }, ...others] });
  });

  test('12,000 small changes: each grain that one of them touches, and no more', async () => {
    const changed = await mutate(own.dir, vm, { bytes: 12_000 * 100, extents: 12_000, seed: 6, unaligned: true });
    const job = await migrate(own.daemon, vm, { quiesce: false });
    expectEqualEnds(job);
    const pieces = changed.disks.flatMap(({ extents }) => extents);
    expect(pieces).toHaveLength(12_000);
    expect(job.proof).toBe('delta');
    for (const disk of job.disks) {
      const least = bytesInGrains(changed.disks.find(({ key }) => key === disk.key)?.extents ?? []);
      expect(disk.bytes_copied / least).toBeGreaterThan(0.97);
      expect(disk.bytes_copied / least).toBeLessThan(1.03);
    }
  });
});

describe('the snapshot of a copy', () => {
  const foreign = ['before patch', 'after patch', 'Größe "neu" & <alt>'];

  test.each([
    ['freeze/after-intent', 'migrate-vm/freeze/after-intent@1'],
    ['freeze/after-act', 'migrate-vm/freeze/after-act@1'],
    ['a segment', 'copy-disk/segment:0/after-intent@1'],
    ['the proof', 'copy-disk/compare/after-act@1'],
    ['thaw/after-act', 'migrate-vm/thaw/after-act@1'],
  ])('killed -9 at %s: it goes on by itself, no snapshot of ours is left, those of others stay', async (_at, point) => {
    await own.daemon.stop();
    await own.start({ settings, env: { OSSEA_AT: `${point}=kill` } });
    await mutate(own.dir, 'chain-01', { bytes: 1024 ** 2, extents: 3 });
    const id = await startMigration(own.daemon, 'chain-01');
    await own.daemon.ended;
    await own.start();
    const job = await waitForMigration(own.daemon, id);
    expectEqualEnds(job);
    expect(await snapshotsOf(own.dir, 'chain-01')).toEqual(foreign);
  });

  test('a guest that cannot be quiesced is copied all the same, with a warning', async () => {
    await arm(own.dir, 'vc-snapshot-fails');
    const job = await migrate(own.daemon, 'chain-01');
    expectEqualEnds(job);
    const lines = (await history(own.daemon)).filter((body) => body.type === 'log.line' && body.job_id === job.id);
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('could not be quiesced') as string }),
    );
  });

  test('the disks wait for their consolidation: the copy ends when they are one again', async () => {
    await arm(own.dir, 'vc-consolidation-needed');
    expectEqualEnds(await migrate(own.daemon, 'chain-01'));
    expect(await snapshotsOf(own.dir, 'chain-01')).toEqual(foreign);
  });

  test('a copy that is cancelled takes its snapshot away, too', async () => {
    await own.daemon.client.call('changeSettings', { body: { rate_mib_per_second: 2 } }, { signal: testSignal() });
    const id = await startMigration(own.daemon, 'chain-01', { full: true });
    await waitForBytes(own.daemon, id, 1024 ** 2);
    expect(await snapshotsOf(own.dir, 'chain-01')).toEqual([...foreign, `ossea-${id}`]);
    expect((await cancel(own.daemon, id)).status).toBe('cancelled');
    await own.daemon.client.call('changeSettings', { body: { rate_mib_per_second: null } }, { signal: testSignal() });
    expect(await snapshotsOf(own.dir, 'chain-01')).toEqual(foreign);
  });

  test('a disk that no snapshot can freeze is named, and nothing is begun', async () => {
    await labDoes(own.dir, 'vcenter-vms/independent-01/power', { state: 'poweredOn' });
    const job = await migrate(own.daemon, 'independent-01');
    expect(job).toMatchObject({ status: 'failed', bytes_copied: 0 });
    expect(job.error?.cause).toContain('Hard disk 2 is independent');
    expect(await snapshotsOf(own.dir, 'independent-01')).toEqual([]);
  });
});
