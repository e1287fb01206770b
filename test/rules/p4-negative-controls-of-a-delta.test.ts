import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { flipBit } from '../fixtures/flip-bit.ts';
import { mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { snapshotsOf } from '../fixtures/lab-snapshots.ts';
import { arm, disarm } from '../fixtures/lab-state.ts';
import { backingFile } from '../fixtures/outside-proof.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { history, migrate } from '../fixtures/steer.ts';
import { whileStopped } from '../fixtures/while-stopped.ts';

const mib = 1024 ** 2;
/** 32 MiB on one disk: 8 chunks. */
const vm = 'efi-secure-01';
const own = ownDaemon({ reuse_volumes: true, sample_percent: 100, segment_mib: 16 }, { labSource: 'vcenter' });

afterEach(async () => {
  await disarm(own.dir);
});

const volumeOf = (job: Migration): string => backingFile(own.dir, String(job.disks[0]?.volume_id));

/** A proved copy to go on from. */
async function base(): Promise<Migration> {
  const job = await migrate(own.daemon, vm);
  expect(job).toMatchObject({ status: 'completed', error: null });
  return job;
}

function expectEqualEnds(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job.status).toBe('completed');
  for (const ends of readLabEnds(own.dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

/** Copied in full in the same run, proved in full, and said aloud. */
async function expectMended(job: Migration, because: RegExp): Promise<void> {
  expectEqualEnds(job);
  expect(job.proof).toBe('full');
  expect(job.disks[0]).toMatchObject({ mode: 'full', chunks_read: null });
  expect(job.disks[0]?.bytes_copied).toBeGreaterThanOrEqual(32 * mib);
  expect(job.disks[0]?.full_because).toMatch(because);
  const lines = (await history(own.daemon)).filter((body) => body.type === 'log.line' && body.job_id === job.id);
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'warn', message: expect.stringMatching(because) as string }),
  );
}

describe('rule P4: what a delta did not send is not believed for ever', () => {
  test('one bit flipped in a carried chunk before a delta: mended with a warning, and the next is a delta again', async () => {
    flipBit(volumeOf(await base()), 21 * mib + 5);
    await expectMended(await migrate(own.daemon, vm), /The sample at byte 20971520 is no longer on the volume/);
    expect(await migrate(own.daemon, vm)).toMatchObject({ status: 'completed', proof: 'delta' });
  });

  test('change tracking that lies: mended with a warning', async () => {
    await base();
    await mutate(own.dir, vm, { bytes: 512 * 1024, extents: 2, seed: 71 });
    await arm(own.dir, 'vc-cbt-lies');
    await expectMended(await migrate(own.daemon, vm), /changed at the source, and vCenter did not tell of it/);
  });

  test('one bit flipped in the tail: mended with a warning', async () => {
    flipBit(volumeOf(await base()), 700 * mib);
    await expectMended(await migrate(own.daemon, vm), /past the end of the source is no longer zero/);
  });

  test('an audit finds what the sample did not look at', async () => {
    const change = async (percent: number): Promise<void> => {
      await own.daemon.client.call('changeSettings', { body: { sample_percent: percent } }, { signal: testSignal() });
    };
    const job = await base();
    await change(1);
    // The sample is one chunk a run now, and begins at the front.
    flipBit(volumeOf(job), 17 * mib);
    expect(await migrate(own.daemon, vm)).toMatchObject({ status: 'completed', proof: 'delta' });
    await expectMended(await migrate(own.daemon, vm, { audit: true }), /The audit found a difference/);
    await change(100);
  });
});

describe('rule P4: what a delta did send must be right', () => {
  const between = 'copy-disk/close-export/after-record@1';

  test('the guest writes in the middle of the copy: what was frozen is what arrives, and the next delta brings the rest', async () => {
    await base();
    let frozen = '';
    const job = await whileStopped(own, {
      vm,
      moment: 'copy-disk/plan/after-record@1',
      mischief: async () => {
        const [file = ''] = readdirSync(join(own.dir, 'lab/vcenter/frozen')).filter(isNewest(own.dir));
        frozen = sha256(join(own.dir, 'lab/vcenter/frozen', file));
        await mutate(own.dir, vm, { bytes: mib, extents: 3, seed: 72 });
      },
    });
    expect(job).toMatchObject({ status: 'completed', proof: 'delta', error: null });
    expect(sha256(volumeOf(job), 32 * mib)).toBe(frozen);
    expect(readLabEnds(own.dir, job)[0]?.source).not.toBe(frozen);
    expectEqualEnds(await migrate(own.daemon, vm));
  });

  test('one bit flipped in what was sent, between transfer and verify: INTEGRITY, and our snapshot is gone', async () => {
    await base();
    await mutate(own.dir, vm, { bytes: 64 * 1024, extents: 1, seed: 73 });
    const job = await whileStopped(own, {
      vm,
      moment: between,
      mischief: async (now) => {
        const { disks } = await mutate(own.dir, vm, { bytes: 64 * 1024, extents: 1, seed: 73 });
        flipBit(volumeOf(now), disks[0]?.extents[0]?.offset ?? 0);
      },
    });
    expect(job).toMatchObject({ status: 'failed', proof: null, error: { code: 'INTEGRITY' } });
    expect(job.left_behind.join()).toContain(String(job.disks[0]?.volume_id));
    expect(await snapshotsOf(own.dir, vm)).toEqual([]);
  });

  test('and what differs is never carried on: the next copy goes to another volume, in full', async () => {
    const job = await migrate(own.daemon, vm);
    expectEqualEnds(job);
    const because = 'Another volume than the one with the last copy is used.';
    expect(job.disks[0]).toMatchObject({ mode: 'full', full_because: because, reused: false });
  });
});

const sha256 = (path: string, bytes?: number): string =>
  createHash('sha256').update(readFileSync(path).subarray(0, bytes)).digest('hex');

/** Of the frozen files, the one of the snapshot that was taken last. */
const isNewest =
  (dir: string) =>
  (file: string): boolean => {
    const numberOf = (name: string): number => Number(/-(\d+)\.raw$/.exec(name)?.[1] ?? -1);
    return readdirSync(join(dir, 'lab/vcenter/frozen')).every((other) => numberOf(other) <= numberOf(file));
  };
