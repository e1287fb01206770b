import { truncateSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { flipBit } from '../fixtures/flip-bit.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readMigrationRow } from '../fixtures/migration-row.ts';
import { backingFile } from '../fixtures/outside-proof.ts';
import { sourceFile } from '../fixtures/source-file.ts';
import { stopped } from '../fixtures/stopped.ts';

const settings = { headroom_gib: 0, segment_mib: 1024, parallel_transfers: 3 } as const;
const mib = 1024 ** 2;

let dir: string;
beforeAll(() => {
  dir = newDataDir();
});
afterAll(async () => {
  await (await startDaemonProcess({ dataDir: dir })).stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

/** Stops the daemon at a moment, does the mischief, lets it go on, and tells how the migration ended. */
async function whileStoppedAt(
  moment: string,
  vm: string,
  mischief: (job: Migration) => Promise<void> | void,
): Promise<Migration> {
  const daemon = await startDaemonProcess({ dataDir: dir, settings, env: { OSSEA_AT: `${moment}=stop` } });
  const id = await startMigration(daemon, vm);
  await stopped(daemon.pid);
  // A stopped daemon answers nothing: its rows are read from its database.
  await mischief(await readMigrationRow(dir, id));
  process.kill(daemon.pid, 'SIGCONT');
  const job = await waitForMigration(daemon, id);
  await settle(daemon, job);
  return job;
}

async function settle(daemon: DaemonProcess, job: Migration): Promise<void> {
  if (job.status === 'held') {
    await daemon.client.call('cancelMigration', { params: { id: job.id } }, { signal: testSignal() });
    await waitForMigration(daemon, job.id, (now) => now.completed_at !== null);
  }
  await daemon.kill('SIGKILL');
}

const volumeOf = (job: Migration, index = 0): string => {
  const id = job.disks[index]?.volume_id;
  if (id === null || id === undefined) throw new Error('the disk has no volume yet');
  return id;
};

const betweenTransferAndVerify = 'copy-disk/close-export/after-record@1';

describe('rule P4: what is wrong on the target never ends completed', () => {
  test('one bit flipped between transfer and verify', async () => {
    const job = await whileStoppedAt(betweenTransferAndVerify, 'pgtest2', (now) => {
      flipBit(backingFile(dir, volumeOf(now)), 40 * mib + 17);
    });
    expect(job).toMatchObject({ status: 'failed', proof: null, error: { code: 'INTEGRITY' } });
    expect(job.left_behind.join()).toContain(volumeOf(job));
  });

  test('one bit flipped in the tail, past the end of the source', async () => {
    const job = await whileStoppedAt(betweenTransferAndVerify, 'pgtest2', (now) => {
      flipBit(backingFile(dir, volumeOf(now)), 700 * mib);
    });
    expect(job).toMatchObject({ status: 'failed', proof: null, error: { code: 'INTEGRITY' } });
  });

  test('the storage behind the target is cut short', async () => {
    const job = await whileStoppedAt(betweenTransferAndVerify, 'pgtest2', (now) => {
      truncateSync(backingFile(dir, volumeOf(now)), 64 * mib);
    });
    expect(job).toMatchObject({ status: 'failed', proof: null, error: { code: 'INTEGRITY' } });
  });

  // All three: when the last export closes, the other two disks may be verified already, and rightly.
  test('the bytes of targets of one size exchanged under unchanged serials', async () => {
    const job = await whileStoppedAt('copy-disk/close-export/after-record@3', 'db-01', async (now) => {
      await labDoes(dir, 'exchange-bytes', { volume_a: volumeOf(now, 0), volume_b: volumeOf(now, 1) });
      await labDoes(dir, 'exchange-bytes', { volume_a: volumeOf(now, 1), volume_b: volumeOf(now, 2) });
    });
    expect(job).toMatchObject({ status: 'failed', proof: null, error: { code: 'INTEGRITY' } });
  });

  test('the source changes while it is copied', async () => {
    const path = sourceFile(dir, 'odd-01');
    const job = await whileStoppedAt('copy-disk/segment:0/after-record@1', 'odd-01', () => {
      flipBit(path, 5 * mib);
    });
    flipBit(path, 5 * mib);
    expect(job.status).toBe('failed');
    expect(['INTEGRITY', 'SOURCE_CHANGED']).toContain(job.error?.code);
  });
});

describe('rule P4: an exchange of the devices is refused before a byte moves or is trusted', () => {
  /** Each of the three gets another name. */
  const swap = async (now: Migration): Promise<void> => {
    await labDoes(dir, 'swap', { volume_a: volumeOf(now, 0), volume_b: volumeOf(now, 1) });
    await labDoes(dir, 'swap', { volume_a: volumeOf(now, 1), volume_b: volumeOf(now, 2) });
  };

  test('between attach and export: nothing was written', async () => {
    const job = await whileStoppedAt('attach-volume/prove/after-record@3', 'db-01', swap);
    expect(job).toMatchObject({ status: 'held', proof: null, error: { code: 'DEVICE_CHANGED' } });
    expect(job.disks[0]).toMatchObject({ bytes_copied: 0 });
    expect(job.disks[1]).toMatchObject({ bytes_copied: 0 });
  });

  test('between export and copy: nothing was written', async () => {
    const job = await whileStoppedAt('copy-disk/open-export/after-record@3', 'db-01', swap);
    expect(job.status).toBe('held');
    expect(job.error?.code).toMatch(/^DEVICE_/);
  });

  test('between transfer and verify: nothing is trusted', async () => {
    const job = await whileStoppedAt('copy-disk/close-export/after-record@3', 'db-01', swap);
    expect(job.proof).toBeNull();
    expect(job.status).not.toBe('completed');
  });
});
