// In the original, several volumes claimed /dev/vdb in the tables, and the wrong disk was exported.
import { expect, test } from 'vitest';
import { signal } from '../fixtures/appliance.ts';
import { provingGround, wantedOf } from '../fixtures/proving-ground.ts';

const mib = 1024 ** 2;
const ground = provingGround();

test('a second volume that claims the device of a first one is refused, by the proof and by the database itself', async () => {
  const { oma, records, truth } = ground;
  const disk = oma().attach('vdb', 8 * mib);
  const held = await truth(200).prove(wantedOf(disk), signal());

  const impostor = { volumeId: crypto.randomUUID(), sizeBytes: disk.sizeBytes };
  await expect(truth(200).prove(impostor, signal())).rejects.toMatchObject({ code: 'DEVICE_NOT_FOUND' });
  const claim = { ...held, id: crypto.randomUUID(), volumeId: impostor.volumeId };
  await expect(records().store.write((tx) => records().mappings.insert(tx, claim))).rejects.toThrow(/UNIQUE/);
  expect(await records().mappings.openOn('oma-1')).toMatchObject([{ volumeId: disk.volumeId }]);
});
