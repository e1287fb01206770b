// In the original, nbd-server did not start without an export: after the last one was closed nothing listened any more.
import { afterEach, expect, test } from 'vitest';
import { goExport } from '../../main/adapters/nbd/handshake.ts';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

test('the last export goes: the server goes on with none, its placeholder opens nothing, and the next one is served', async () => {
  oma = await buildAppliance('file');
  const mapping = await oma.map(oma.attach('vdb', MiB));
  const { port } = await oma.exports.ensureOpen(mapping, signal());
  await oma.exports.close(mapping, signal());
  expect(await oma.exports.listed()).toEqual([]);
  expect(await oma.exports.serverPid()).toEqual(expect.any(Number));
  await expect(openWriter(port, 'ossea-none')).rejects.toThrow('refused');
  const again = await oma.exports.ensureOpen(mapping, signal());
  expect(await goExport(again, again.exportName, signal())).toMatchObject({ sizeBytes: MiB });
});
