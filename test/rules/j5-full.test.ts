import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { isRoot } from '../fixtures/appliance.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForBytes,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { readRows } from '../fixtures/database-rows.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { leftovers, processesUsing } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { resume } from '../fixtures/steer.ts';
import { stopped } from '../fixtures/stopped.ts';

const needsRoot = 'needs root: a small file system is mounted';
const mib = 1024 ** 2;
const settings = { headroom_gib: 0, segment_mib: 32, parallel_transfers: 3 } as const;

/** Runs after the test, newest first. */
let undo: (() => void)[];
let daemon: DaemonProcess;
beforeEach(() => {
  undo = [];
});
afterEach(async () => {
  await daemon.stop();
  for (const step of undo.reverse()) step();
});

function mount(args: readonly string[], path: string): void {
  execFileSync('mount', [...args, path]);
  undo.push(() => {
    execFileSync('umount', [path]);
  });
}

const mountTmpfs = (path: string, sizeMib: number): void => {
  mount(['-t', 'tmpfs', '-o', `size=${String(sizeMib)}m`, 'none'], path);
};

function freshDir(): string {
  const dir = newDataDir();
  undo.push(() => {
    removeDataDir(dir);
  });
  return dir;
}

/** Takes every byte that is left, in ever smaller pieces. */
function fill(dir: string): { free(): void } {
  const path = join(dir, 'somebody-elses-file');
  for (let piece = mib; piece >= 4096; ) {
    try {
      appendFileSync(path, Buffer.alloc(piece));
    } catch (error) {
      if ((error as { code?: string }).code !== 'ENOSPC') throw error;
      piece /= 2;
    }
  }
  return {
    free: () => {
      rmSync(path);
    },
  };
}

function expectProved(dir: string, job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  for (const [index, ends] of readBothEnds(dir, job).entries()) {
    const disk = job.disks[index];
    expect(ends).toEqual({ source: disk?.source_sha256, target: disk?.target_sha256, tailIsZero: true });
  }
}

describe('rule J5: the data directory is full', () => {
  /** A small data directory; the lab below it, which is no part of the product, keeps its room. */
  async function startSmall(rate: number | null, env: Readonly<Record<string, string>> = {}): Promise<string> {
    const dir = freshDir();
    const roomy = freshDir();
    mountTmpfs(dir, 24);
    mkdirSync(join(dir, 'lab'), { mode: 0o700 });
    mount(['--bind', roomy], join(dir, 'lab'));
    undo.push(() => {
      expect(leftovers(dir)).toEqual([]);
    });
    daemon = await startDaemonProcess({ dataDir: dir, settings: { ...settings, rate_mib_per_second: rate }, env });
    return dir;
  }

  const waits = (id: string): Promise<Migration> =>
    eventually(async () => {
      const job = await daemon.client.call('getMigration', { params: { id } }, { signal: testSignal() });
      return job.status === 'waiting' ? job : null;
    }, 'the migration waits');

  test.skipIf(!isRoot)(`a start is refused, and nothing was begun (${needsRoot})`, async () => {
    const dir = await startSmall(null);
    const before = (await labBooks(dir)).volumes.length;
    const filled = fill(dir);
    await expect(startMigration(daemon, 'odd-01')).rejects.toMatchObject({ code: 'DATA_DIR_FULL' });
    expect((await labBooks(dir)).volumes.length).toBe(before);
    const { migrations } = await daemon.client.call('listMigrations', { query: {} }, { signal: testSignal() });
    expect(migrations).toEqual([]);
    filled.free();
    expectProved(dir, await waitForMigration(daemon, await startMigration(daemon, 'odd-01')));
  });

  test.skipIf(!isRoot)(`work under way waits, says so, and goes on once there is room (${needsRoot})`, async () => {
    const dir = await startSmall(16);
    const id = await startMigration(daemon, 'pgtest2');
    await waitForBytes(daemon, id, 4 * mib);
    const filled = fill(dir);
    const waiting = await waits(id);
    expect(waiting.reason).toMatch(/^DATA_DIR_FULL: /);
    expect(waiting.completed_at).toBeNull();
    const health = await daemon.client.call('getHealth', {}, { signal: testSignal() });
    expect(health).toMatchObject({ status: 'unhealthy', database_health: 'unhealthy' });
    expect(health.details['database']).toContain('DATA_DIR_FULL');
    // No act without its intent on disk: the last segment that the rows know is the last that was begun.
    const begun = await readRows<{ attempts: number }>(
      dir,
      'SELECT attempts FROM transfer_segments WHERE attempts > 1',
    );
    expect(begun).toEqual([]);
    filled.free();
    const job = await waitForMigration(daemon, id);
    expectProved(dir, job);
  });

  const hashers = (dir: string): number =>
    processesUsing(dir).filter(({ command }) => command.includes('hasher.cjs') && command.includes('"mode":"hash"'))
      .length;

  test.skipIf(!isRoot).each(['hash-source', 'hash-target'])(
    `full while %s reads: its manifest waits for room, and is kept (${needsRoot})`,
    async (step) => {
      const dir = await startSmall(null, { OSSEA_AT: `copy-disk/${step}/after-intent@1=stop` });
      const id = await startMigration(daemon, 'pgtest2');
      await stopped(daemon.pid);
      const filled = fill(dir);
      process.kill(daemon.pid, 'SIGCONT');
      await eventually(() => hashers(dir) > 0, 'the reading begins');
      await waits(id);
      await eventually(() => hashers(dir) === 0, 'the reading has ended, and its manifest found no room');
      filled.free();
      const job = await waitForMigration(daemon, id);
      expectProved(dir, job);
      for (const disk of job.disks) expect(existsSync(join(dir, 'manifests', String(disk.manifest_root)))).toBe(true);
    },
  );
});

describe('rule J5: the storage behind the volumes is full', () => {
  test.skipIf(!isRoot)(`never completed; after room was made, resume completes with proof (${needsRoot})`, async () => {
    const dir = freshDir();
    mkdirSync(join(dir, 'lab/volumes'), { recursive: true, mode: 0o700 });
    mountTmpfs(join(dir, 'lab/volumes'), 40);
    undo.push(() => {
      expect(leftovers(dir)).toEqual([]);
    });
    daemon = await startDaemonProcess({ dataDir: dir, settings });
    const job = await waitForMigration(daemon, await startMigration(daemon, 'db-01'));
    expect(job).toMatchObject({ status: 'held', proof: null });
    expect(job.error?.code).toMatch(/^(TARGET_FULL|MOVER_FAILED|EXPORT_NOT_CLOSED)$/);
    expect(job.reason?.length).toBeLessThan(260);
    execFileSync('mount', ['-o', 'remount,size=1g', join(dir, 'lab/volumes')]);
    expectProved(dir, await resume(daemon, job.id));
  });
});
