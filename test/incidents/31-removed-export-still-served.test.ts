// In the original, an export that was removed or led elsewhere was served as before after SIGHUP: writes went to the former disk.
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listExports } from '../../main/adapters/nbd/handshake.ts';
import { type Appliance, buildAppliance, type Disk, signal } from '../fixtures/appliance.ts';
import { MiB, readAt } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
let disk: Disk;
beforeEach(async () => {
  oma = await buildAppliance('file');
  disk = oma.attach('vdb', MiB);
});
afterEach(async () => {
  await oma.remove();
});

test('a removed export is gone from the server that runs', async () => {
  const mapping = await oma.map(disk);
  const opened = await oma.exports.ensureOpen(mapping, signal());
  const { port, exportName } = opened;
  expect(await listExports(opened, signal())).toContain(exportName);
  await oma.exports.close(mapping, signal());
  expect(await listExports(opened, signal())).not.toContain(exportName);
  await expect(openWriter(port, exportName)).rejects.toThrow('refused');
});

test('a volume that came back as another device: what is written to its export reaches the new one only', async () => {
  await oma.exports.ensureOpen(await oma.map(disk), signal());
  const other = oma.attach('vdc', MiB);
  const byId = join(oma.root, 'dev/disk/by-id', `virtio-${disk.serial}`);
  rmSync(byId);
  symlinkSync('../../vdc', byId);
  writeFileSync(join(oma.root, 'sys/block/vdc/serial'), disk.serial);
  const moved = await oma.map({ ...disk, name: 'vdc' });
  const { port, exportName } = await oma.exports.ensureOpen(moved, signal());
  const writer = await openWriter(port, exportName);
  expect(await writer.write(0, Buffer.alloc(512, 7))).toBe(true);
  writer.end();
  expect([readAt(other.backingPath, 0, 1)[0], readAt(disk.backingPath, 0, 1)[0]]).toEqual([7, 0]);
});
