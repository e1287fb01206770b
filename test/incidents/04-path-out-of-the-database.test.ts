// In the original, a reused volume got the device path that stood in the database, whatever was there by now.
import { expect, test } from 'vitest';
import { signal } from '../fixtures/appliance.ts';
import { provingGround, wantedOf } from '../fixtures/proving-ground.ts';

const mib = 1024 ** 2;
const ground = provingGround();

test('the path that is recorded counts for nothing once another disk bears it: the volume is found where it is', async () => {
  const { oma, records, truth } = ground;
  const [ours, other] = [oma().attach('vdb', 8 * mib), oma().attach('vdc', 8 * mib)];
  await truth(200).prove(wantedOf(ours), signal());
  expect(await truth(200).verified(ours.volumeId, signal())).toMatchObject({ device: { path: '/dev/vdb' } });

  oma().swap(ours, other);
  expect(await truth(200).verified(ours.volumeId, signal())).toBeNull();
  expect(await records().mappings.lastOf(ours.volumeId)).toMatchObject({ endedBecause: 'device changed' });
  expect(await truth(200).adopt(wantedOf(ours), signal())).toMatchObject({ device: { path: '/dev/vdc' } });
});
