import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForBytes,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { type MappingRow, readMappings, readRows, writeRow } from '../fixtures/database-rows.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { arm, labBooks } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { cancel, migrate } from '../fixtures/steer.ts';
import { stopped } from '../fixtures/stopped.ts';

const run = promisify(execFile);
const mib = 1024 ** 2;
const settings = { headroom_gib: 0, segment_mib: 32, parallel_transfers: 3 } as const;

let dir: string;
let daemon: DaemonProcess;
beforeAll(() => {
  dir = newDataDir();
});
afterEach(async () => {
  await daemon.stop();
});
afterAll(() => {
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const restartAppliance = async (): Promise<string> =>
  ((await labDoes(dir, 'restart-oma', {})) as { boot_id: string }).boot_id;

async function bootsOf(
  job: Migration,
): Promise<{ readonly before: readonly MappingRow[]; readonly after: readonly MappingRow[] }> {
  const { bootId } = (await labBooks(dir)).host;
  const volumes = job.disks.map((disk) => disk.volume_id);
  const rows = (await readMappings(dir)).filter((row) => volumes.includes(row.volume_id));
  return {
    before: rows.filter((row) => row.boot_id !== bootId),
    after: rows.filter((row) => row.boot_id === bootId),
  };
}

/** Every old mapping ended at once because of the boot, every volume proved anew, no device ever claimed twice. */
async function expectNewBootObserved(job: Migration): Promise<void> {
  const volumes = job.disks.map((disk) => disk.volume_id).sort();
  const { before, after } = await bootsOf(job);
  expect(before.map((row) => row.volume_id).sort()).toEqual(volumes);
  expect(new Set(before.map((row) => row.ended_because))).toEqual(new Set(['new boot']));
  // One statement gave them all their end: one time of day, and none of them was followed by a new one before it.
  expect(new Set(before.map((row) => row.ended_at)).size).toBe(1);
  expect(after.map((row) => row.volume_id).sort()).toEqual(volumes);
  const end = before[0]?.ended_at ?? '';
  for (const row of after) {
    expect(row.observed_at >= end).toBe(true);
    expect(row.ended_because).toBe('detached');
  }
  expect(new Set(after.map((row) => row.device_path)).size).toBe(volumes.length);
}

function expectProved(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  for (const [index, ends] of readBothEnds(dir, job).entries()) {
    const disk = job.disks[index];
    expect(ends).toEqual({ source: disk?.source_sha256, target: disk?.target_sha256, tailIsZero: true });
    expect(disk?.evidence?.kind).toBe('serial');
  }
}

describe('rule D1: the appliance is restarted under a migration', () => {
  test.each([
    ['between attach and export', 'db-01', 'attach-volume/prove/after-record@3'],
    ['between the proof of blankness and the export', 'PGWINTESTBIOS', 'copy-disk/prove-blank/after-record@2'],
    ['between transfer and verify', 'PGWINTESTBIOS', 'copy-disk/close-export/after-record@1'],
    ['between verify and detach', 'PGWINTESTBIOS', 'copy-disk/compare/after-record@2'],
  ])('%s of %s: every device is proved anew and the copy completes with proof', async (_when, vm, moment) => {
    daemon = await startDaemonProcess({ dataDir: dir, settings, env: { OSSEA_AT: `${moment}=stop` } });
    const id = await startMigration(daemon, vm);
    await stopped(daemon.pid);
    await restartAppliance();
    process.kill(daemon.pid, 'SIGCONT');
    const job = await waitForMigration(daemon, id);
    const { before, after } = await bootsOf(job);
    expect(new Set(before.map((row) => row.ended_because))).toEqual(new Set(['new boot']));
    // After the last reading nothing needs a device any more: the mappings end, and no new ones are needed.
    if (moment.includes('/compare/')) expect(after).toEqual([]);
    // A disk that was read before the boot needs its device no more; one that was not is proved anew.
    else if (moment.includes('/close-export/')) expect(after.length).toBeGreaterThan(0);
    else await expectNewBootObserved(job);
    expectProved(job);
  });

  test('in mid-copy: the old export refuses, nothing counts as blank any more, the copy completes with proof', async () => {
    daemon = await startDaemonProcess({ dataDir: dir, settings: { ...settings, rate_mib_per_second: 72 } });
    const id = await startMigration(daemon, 'db-01');
    await waitForBytes(daemon, id, 8 * mib);
    process.kill(daemon.pid, 'SIGSTOP');
    await stopped(daemon.pid);
    const open = await readRows<{ export_name: string; port: number }>(
      dir,
      'SELECT export_name, port FROM vm_export_mappings WHERE closed_at IS NULL',
    );
    expect(open).toHaveLength(3);
    await restartAppliance();
    for (const { export_name: name, port } of open) {
      await expect(run('nbdinfo', ['--size', `nbd://127.0.0.1:${String(port)}/${name}`])).rejects.toThrow();
    }
    const planned = (
      await readRows<{ total: number }>(dir, 'SELECT sum(bytes_total) AS total FROM vm_disks WHERE job_id = ?', [id])
    )[0]?.total;
    process.kill(daemon.pid, 'SIGCONT');
    const job = await waitForMigration(daemon, id);
    await expectNewBootObserved(job);
    expectProved(job);
    expect(job.bytes_total).toBeGreaterThan(Number(planned));
    expect(job.bytes_copied).toBe(job.bytes_total);
  });

  test('a held migration keeps no claim on a device of an earlier boot, and its volume says so', async () => {
    daemon = await startDaemonProcess({ dataDir: dir, settings });
    await arm(dir, 'empty-401', { match: { command: 'detachVolume' } });
    const held = await migrate(daemon, 'pgtest2');
    expect(held).toMatchObject({ status: 'held', error: { code: 'CLOUD_AUTH' } });
    await restartAppliance();
    const other = await migrate(daemon, 'odd-01');
    expectProved(other);
    const { volumes } = await daemon.client.call('listVolumes', { query: {} }, { signal: testSignal() });
    const mine = volumes.find((volume) => volume.volume_id === held.disks[0]?.volume_id);
    expect(mine?.mapping).toMatchObject({ ended_because: 'new boot' });
    const taken = await cancel(daemon, held.id);
    expect(taken.left_behind).toHaveLength(1);
  });

  test('the database itself refuses a second open mapping of a volume or of a device', async () => {
    const moment = 'attach-volume/prove/after-record@1=stop';
    daemon = await startDaemonProcess({ dataDir: dir, settings, env: { OSSEA_AT: moment } });
    const id = await startMigration(daemon, 'odd-01');
    await stopped(daemon.pid);
    const row = (await readMappings(dir)).at(-1);
    if (row === undefined) throw new Error('no mapping');
    const insert = (volume: string, path: string) =>
      writeRow(
        dir,
        `INSERT INTO device_mappings SELECT ?, environment_id, host_id, ?, vm_id, ?, dev, boot_id, document, observed_at, NULL, NULL FROM device_mappings WHERE id = ?`,
        [crypto.randomUUID(), volume, path, row.id],
      );
    await expect(insert(row.volume_id, '/dev/vdzz')).rejects.toThrow(/UNIQUE constraint failed: .*volume_id/);
    await expect(insert(crypto.randomUUID(), row.device_path)).rejects.toThrow(
      /UNIQUE constraint failed: .*device_path/,
    );
    process.kill(daemon.pid, 'SIGCONT');
    expectProved(await waitForMigration(daemon, id));
  });
});
