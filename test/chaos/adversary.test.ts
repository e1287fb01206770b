import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { readRows } from '../fixtures/database-rows.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { smallVm, writeSmallVm } from '../fixtures/small-vm.ts';
import { resume } from '../fixtures/steer.ts';

type Sentinel = { readonly volume_id: string; readonly path: string; readonly sha256: string };
type MappingRow = { readonly volume_id: string; readonly document: string };

const vms = 6;
const resumes = 60;

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  for (let copy = 1; copy <= vms; copy += 1) writeSmallVm(dir, `${smallVm.name}-${String(copy)}`);
  daemon = await startDaemonProcess({
    dataDir: dir,
    settings: { headroom_gib: 0, segment_mib: 8, parallel_transfers: 3, attach_slots: 12 },
  });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

/** Resumes what was held because a device changed its name, as an administrator would after a look; fails on anything else. */
async function toTheEnd(id: string): Promise<Migration> {
  let job = await waitForMigration(daemon, id);
  for (let left = resumes; job.status === 'held' && left > 0; left -= 1) {
    expect(job.error?.code).toMatch(/^(DEVICE_|EXPORT_NOT_CLOSED|DETACH_FAILED)/);
    if (left === resumes / 2) await labDoes(dir, 'settings', { adversary: 'off' });
    job = await resume(daemon, id);
  }
  // At once, or the others would wait for the slots of this one for ever.
  expect(job).toMatchObject({ error: null, status: 'completed', proof: 'full' });
  return job;
}

test(`${String(vms)} VMs of three disks of one size, more than the slots, while disks exchange their names: no byte goes astray`, async () => {
  const { sentinels } = (await labDoes(dir, 'sentinels', { count: 4 })) as { sentinels: Sentinel[] };
  await labDoes(dir, 'settings', { adversary: 'on', adversary_every_ms: [100, 900] });
  const ids: string[] = [];
  for (let copy = 1; copy <= vms; copy += 1) ids.push(await startMigration(daemon, `${smallVm.name}-${String(copy)}`));
  const jobs = await Promise.all(ids.map(toTheEnd));
  for (const job of jobs) {
    for (const ends of readBothEnds(dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
  }
  for (const { path, sha256 } of sentinels) {
    expect(createHash('sha256').update(readFileSync(path)).digest('hex'), path).toBe(sha256);
  }
  // Whatever was believed at any time was true: a mapping's serial is its volume's.
  const mappings = await readRows<MappingRow>(dir, 'SELECT volume_id, document FROM device_mappings');
  expect(mappings.length).toBeGreaterThanOrEqual(vms * smallVm.disks);
  for (const { volume_id: volumeId, document } of mappings) {
    const { device } = JSON.parse(document) as { device: { serial: string } };
    expect(device.serial).toBe(volumeId.replaceAll('-', '').slice(0, 20));
  }
});
