import { closeSync, openSync, writeSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { startDaemonProcess, startMigration, waitForMigration } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readMigrationRow } from '../fixtures/migration-row.ts';
import { backingFile, readBothEnds } from '../fixtures/outside-proof.ts';
import { stopped } from '../fixtures/stopped.ts';

const mib = 1024 ** 2;
const vm = 'odd-01';

let dir: string;
beforeAll(() => {
  dir = newDataDir();
});
afterAll(async () => {
  await (await startDaemonProcess({ dataDir: dir })).stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

/** What a storage pool does that hands out a volume with somebody else's old bytes in it. */
function soil(path: string, offsets: readonly number[]): void {
  const file = openSync(path, 'r+');
  for (const offset of offsets) writeSync(file, Buffer.alloc(4096, 0xa5), 0, 4096, offset);
  closeSync(file);
}

async function migrateSoiled(offsets: readonly number[]): Promise<Migration> {
  const daemon = await startDaemonProcess({
    dataDir: dir,
    settings: { headroom_gib: 0, segment_mib: 1024 },
    env: { OSSEA_AT: 'attach-volume/prove/after-record@1=stop' },
  });
  const id = await startMigration(daemon, vm);
  await stopped(daemon.pid);
  const volumeId = (await readMigrationRow(dir, id)).disks[0]?.volume_id;
  if (volumeId === null || volumeId === undefined) throw new Error('no volume yet');
  soil(backingFile(dir, volumeId), offsets);
  process.kill(daemon.pid, 'SIGCONT');
  const job = await waitForMigration(daemon, id);
  await daemon.kill('SIGKILL');
  return job;
}

function expectProved(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  const [disk] = job.disks;
  expect(readBothEnds(dir, job)).toEqual([
    { source: disk?.source_sha256, target: disk?.target_sha256, tailIsZero: true },
  ]);
}

test('a new volume that is blank receives only what the source holds', async () => {
  const job = await migrateSoiled([]);
  expectProved(job);
  expect(job.disks[0]?.bytes_copied).toBeLessThan(job.disks[0]?.capacity_bytes ?? 0);
});

test('a new volume with old bytes in it is written whole, its tail zeroed: creation alone is no proof', async () => {
  const job = await migrateSoiled([30 * mib, 33 * mib, 700 * mib]);
  expectProved(job);
  expect(job.disks[0]?.bytes_copied).toBeGreaterThan(job.disks[0]?.capacity_bytes ?? Number.POSITIVE_INFINITY);
});

test('old bytes only past the end of the source are found, too', async () => {
  expectProved(await migrateSoiled([900 * mib]));
});
