import { expect, test } from 'vitest';
import { signal } from '../fixtures/appliance.ts';
import { provingGround, wantedOf } from '../fixtures/proving-ground.ts';

const mib = 1024 ** 2;
const ground = provingGround();

test('a device that never appears ends the wait as DEVICE_NOT_FOUND, with all that was seen as evidence', async () => {
  const { oma, records, truth } = ground;
  const other = oma().attach('vdb', 8 * mib);
  const wanted = { volumeId: crypto.randomUUID(), sizeBytes: 8 * mib };
  await expect(truth(200).prove(wanted, signal())).rejects.toMatchObject({
    code: 'DEVICE_NOT_FOUND',
    details: { volume_id: wanted.volumeId, seen: [{ path: '/dev/vdb', serial: other.serial, size_bytes: 8 * mib }] },
  });
  expect(await records().mappings.openOn('oma-1')).toEqual([]);
});

test('it appears within the wait: proved by its serial', async () => {
  const { oma, truth } = ground;
  const other = oma().attach('vdb', 8 * mib);
  const late = oma().attach('vdc', 8 * mib);
  oma().unplug(late);
  const proving = truth(60_000).prove(wantedOf(late), signal());
  oma().plug(late);
  expect(await proving).toMatchObject({ volumeId: late.volumeId, device: { path: '/dev/vdc' }, endedAt: null });
  expect(await truth(200).current(other.volumeId, signal())).toBeNull();
});

test('an appliance that boots in the middle of the wait is waited for', async () => {
  const { oma, truth } = ground;
  const disk = oma().attach('vdb', 8 * mib);
  oma().loseBootId();
  const proving = truth(60_000).prove(wantedOf(disk), signal());
  oma().reboot();
  expect(await proving).toMatchObject({ volumeId: disk.volumeId });
});

test('what a device was in another boot is no claim on it in this one', async () => {
  const { oma, records, truth } = ground;
  const old = oma().attach('vdb', 8 * mib);
  await truth(200).prove(wantedOf(old), signal());
  oma().unplug(old);
  oma().reboot();
  const newcomer = oma().attach('vdb', 8 * mib);
  expect(await truth(200).prove(wantedOf(newcomer), signal())).toMatchObject({ device: { path: '/dev/vdb' } });
  expect(await records().mappings.lastOf(old.volumeId)).toMatchObject({ endedBecause: 'new boot' });
});

test('without serials and after a boot no wait brings the proof back: it is said at once', async () => {
  const { oma, truth } = ground;
  const before = await oma().hostAccess.snapshot(signal());
  const disk = oma().attach('vdb', 8 * mib, { serial: false });
  await truth(200).prove(wantedOf(disk), { ...signal(), before });
  oma().reboot();
  // Ten minutes of patience, which are not used.
  await expect(truth(600_000).prove(wantedOf(disk), signal())).rejects.toMatchObject({ code: 'DEVICE_NOT_FOUND' });
});
