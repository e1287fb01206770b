import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRecords } from '../../main/adapters/sqlite/open.ts';
import { systemIds } from '../../main/adapters/system/ids.ts';
import { createDeviceTruth, type DeviceTruth } from '../../main/workflows/device-truth.ts';
import { type Appliance, buildAppliance, type Disk, signal } from '../fixtures/appliance.ts';
import { realClock } from '../fixtures/real-clock.ts';

const mib = 1024 ** 2;

let dir: string;
let oma: Appliance;
let records: Awaited<ReturnType<typeof openRecords>>;
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-truth-'));
  oma = await buildAppliance('file');
  const fixed = { hostId: 'oma-1', newId: systemIds.next(), kind: 'lab', firstNbdPort: 1 } as const;
  records = await openRecords({ dir, clock: realClock, publish: () => undefined, ...fixed });
});
afterEach(async () => {
  await records.close();
  await oma.remove();
  rmSync(dir, { recursive: true });
});

/** The two minutes of the product, cut short: what is shown is that the wait ends, and how. */
const truth = (appearanceMs: number): DeviceTruth =>
  createDeviceTruth({
    host: oma.hostAccess,
    mappings: records.mappings,
    store: records.store,
    clock: realClock,
    ids: systemIds,
    site: () => ({ omaVmId: 'vm-oma' }),
    others: () => Promise.resolve([]),
    appearanceMs,
  });

const wantedOf = (disk: Disk) => ({ volumeId: disk.volumeId, sizeBytes: disk.sizeBytes });

test('a device that never appears ends the wait as DEVICE_NOT_FOUND, with all that was seen as evidence', async () => {
  const other = oma.attach('vdb', 8 * mib);
  const wanted = { volumeId: crypto.randomUUID(), sizeBytes: 8 * mib };
  await expect(truth(200).prove(wanted, signal())).rejects.toMatchObject({
    code: 'DEVICE_NOT_FOUND',
    details: { volume_id: wanted.volumeId, seen: [{ path: '/dev/vdb', serial: other.serial, size_bytes: 8 * mib }] },
  });
  expect(await records.mappings.openOn('oma-1')).toEqual([]);
});

test('it appears within the wait: proved by its serial', async () => {
  const other = oma.attach('vdb', 8 * mib);
  const late = oma.attach('vdc', 8 * mib);
  oma.unplug(late);
  const proving = truth(60_000).prove(wantedOf(late), signal());
  oma.plug(late);
  expect(await proving).toMatchObject({ volumeId: late.volumeId, device: { path: '/dev/vdc' }, endedAt: null });
  expect(await truth(200).current(other.volumeId, signal())).toBeNull();
});

test('an appliance that boots in the middle of the wait is waited for', async () => {
  const disk = oma.attach('vdb', 8 * mib);
  oma.loseBootId();
  const proving = truth(60_000).prove(wantedOf(disk), signal());
  oma.reboot();
  expect(await proving).toMatchObject({ volumeId: disk.volumeId });
});

test('what a device was in another boot is no claim on it in this one', async () => {
  const old = oma.attach('vdb', 8 * mib);
  await truth(200).prove(wantedOf(old), signal());
  oma.unplug(old);
  oma.reboot();
  const newcomer = oma.attach('vdb', 8 * mib);
  expect(await truth(200).prove(wantedOf(newcomer), signal())).toMatchObject({ device: { path: '/dev/vdb' } });
  expect(await records.mappings.lastOf(old.volumeId)).toMatchObject({ endedBecause: 'new boot' });
});

test('without serials and after a boot no wait brings the proof back: it is said at once', async () => {
  const before = await oma.hostAccess.snapshot(signal());
  const disk = oma.attach('vdb', 8 * mib, { serial: false });
  await truth(200).prove(wantedOf(disk), { ...signal(), before });
  oma.reboot();
  // Ten minutes of patience, which are not used.
  await expect(truth(600_000).prove(wantedOf(disk), signal())).rejects.toMatchObject({ code: 'DEVICE_NOT_FOUND' });
});
