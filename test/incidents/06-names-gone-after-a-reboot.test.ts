// In the original, exports named maps of the device mapper, which a reboot takes away; nothing was served any more.
import { existsSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

test('a reboot empties /run: the export refuses, and a new proof makes its name anew', async () => {
  oma = await buildAppliance('file');
  const disk = oma.attach('vdb', MiB);
  const before = await oma.exports.ensureOpen(await oma.map(disk), signal());
  rmSync(dirname(dirname(before.linkPath)), { recursive: true });
  oma.reboot();
  await expect(openWriter(before.port, before.exportName)).rejects.toThrow();

  const mapping = await oma.map(disk);
  const after = await oma.exports.ensureOpen(mapping, signal());
  expect(after.exportName).toBe(before.exportName);
  expect(after.linkPath).toContain(mapping.bootId);
  expect(existsSync(after.linkPath)).toBe(true);
  (await openWriter(after.port, after.exportName)).end();
});
