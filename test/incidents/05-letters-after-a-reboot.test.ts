// In the original, a reboot of the appliance gave the letters to other disks, and the exports still named the letters.
import { afterEach, expect, test } from 'vitest';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

test('after a reboot that renamed two disks no export lets anybody in, until each is proved at its new place', async () => {
  oma = await buildAppliance('file');
  const disks = [oma.attach('vdb', MiB), oma.attach('vdc', MiB)] as const;
  const before = [];
  for (const disk of disks) before.push(await oma.exports.ensureOpen(await oma.map(disk), signal()));
  oma.reboot();
  oma.swap(...disks);
  for (const { port, exportName } of before) await expect(openWriter(port, exportName)).rejects.toThrow('refused');

  const places = [
    [disks[0], 'vdc'],
    [disks[1], 'vdb'],
  ] as const;
  for (const [disk, name] of places) {
    const mapping = await oma.map({ ...disk, name });
    expect(mapping.device.serial).toBe(disk.serial);
    const { port, exportName } = await oma.exports.ensureOpen(mapping, signal());
    (await openWriter(port, exportName)).end();
  }
});
