// In the original, the name of the export was written in the code: every disk of every VM went to the same one.
import { afterEach, expect, test } from 'vitest';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB, readAt } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

test('three disks written at once: each has a name of its own, which holds its volume, and gets its own bytes', async () => {
  oma = await buildAppliance('file');
  const disks = ['vdb', 'vdc', 'vdd'].map((name) => oma.attach(name, MiB));
  const opened = await Promise.all(
    disks.map(async (disk) => await oma.exports.ensureOpen(await oma.map(disk), signal())),
  );
  expect(opened.map(({ exportName }) => exportName)).toEqual(disks.map(({ volumeId }) => `migration-vol-${volumeId}`));
  const writers = await Promise.all(opened.map(({ port, exportName }) => openWriter(port, exportName)));
  await Promise.all(writers.map((writer, index) => writer.write(0, Buffer.alloc(512, index + 1))));
  for (const writer of writers) writer.end();
  expect(disks.map(({ backingPath }) => readAt(backingPath, 0, 1)[0])).toEqual([1, 2, 3]);
});
