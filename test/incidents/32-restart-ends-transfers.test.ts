// In the original, restarting nbd-server for one export ended the transfers of all others.
import { afterEach, expect, test } from 'vitest';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB, readAt } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

test('a connected writer goes on through every reload, and all it wrote is on its disk', async () => {
  oma = await buildAppliance('file');
  const disk = oma.attach('vdb', MiB);
  const other = await oma.map(oma.attach('vdc', MiB));
  const { port, exportName } = await oma.exports.ensureOpen(await oma.map(disk), signal());
  const writer = await openWriter(port, exportName);
  const servers = new Set([await oma.exports.serverPid()]);
  for (let round = 0; round < 3; round += 1) {
    await oma.exports.ensureOpen(other, signal());
    servers.add(await oma.exports.serverPid());
    expect(await writer.write(2 * round * 512, Buffer.alloc(512, 2 * round + 1))).toBe(true);
    await oma.exports.close(other, signal());
    servers.add(await oma.exports.serverPid());
    expect(await writer.write((2 * round + 1) * 512, Buffer.alloc(512, 2 * round + 2))).toBe(true);
  }
  writer.end();
  // Six reloads did take place.
  expect(servers.size).toBe(7);
  const written = Array.from({ length: 6 }, (_, index) => readAt(disk.backingPath, index * 512, 1)[0]);
  expect(written).toEqual([1, 2, 3, 4, 5, 6]);
});
