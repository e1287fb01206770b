import { expect, test } from 'vitest';
import { signal } from '../fixtures/appliance.ts';
import { provingGround, wantedOf } from '../fixtures/proving-ground.ts';

const mib = 1024 ** 2;
const ground = provingGround();

test('two disks that exchanged their names after both were proved do not block each other: each is proved where it is', async () => {
  const { oma, records, truth } = ground;
  const [first, second] = [oma().attach('vdb', 8 * mib), oma().attach('vdc', 8 * mib)];
  for (const disk of [first, second]) await truth(200).prove(wantedOf(disk), signal());
  oma().swap(first, second);

  // The first is asked for and told of the change; the second has nothing left to do, and nobody looks at it.
  await expect(truth(200).prove(wantedOf(first), signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
  expect(await truth(200).prove(wantedOf(first), signal())).toMatchObject({ device: { path: '/dev/vdc' } });

  expect(await records().mappings.lastOf(second.volumeId)).toMatchObject({
    device: { path: '/dev/vdc' },
    endedBecause: 'another volume is there',
  });
  expect(await truth(200).prove(wantedOf(second), signal())).toMatchObject({ device: { path: '/dev/vdb' } });
  const claims = await records().mappings.openOn('oma-1');
  expect(new Map(claims.map((claim) => [claim.volumeId, claim.device.path]))).toEqual(
    new Map([
      [first.volumeId, '/dev/vdc'],
      [second.volumeId, '/dev/vdb'],
    ]),
  );
});

test('a disk that only moved is still there for who waits until it is gone', async () => {
  const { oma, truth } = ground;
  const [disk, other] = [oma().attach('vdb', 8 * mib), oma().attach('vdc', 8 * mib)];
  const mapping = await truth(200).prove(wantedOf(disk), signal());
  oma().swap(disk, other);
  await expect(truth(200).gone(mapping, signal())).rejects.toMatchObject({ code: 'DETACH_FAILED' });
});
