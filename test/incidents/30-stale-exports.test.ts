// In the original, nbd-server kept exports in memory that the file no longer had: "Access denied by server configuration".
import { afterEach, expect, test } from 'vitest';
import { goExport, listExports } from '../../main/adapters/nbd/handshake.ts';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

test('one volume goes, the next one gets its device name: the server has exactly the newer export, and lets it be used', async () => {
  oma = await buildAppliance('file');
  const kept = await oma.map(oma.attach('vdb', MiB));
  await oma.exports.ensureOpen(kept, signal());
  const first = oma.attach('vdc', MiB);
  const mapping = await oma.map(first);
  const { exportName: stale } = await oma.exports.ensureOpen(mapping, signal());
  await oma.exports.close(mapping, signal());
  oma.unplug(first);

  const newcomer = oma.attach('vdc', 2 * MiB, { backingFolder: oma.root });
  const next = await oma.exports.ensureOpen(await oma.map(newcomer), signal());
  expect(await goExport(next, next.exportName, signal())).toMatchObject({ sizeBytes: 2 * MiB });
  const served = (await listExports(next, signal())).filter((name) => name.startsWith('migration-vol-'));
  expect(served.sort()).toEqual([`migration-vol-${kept.volumeId}`, next.exportName].sort());
  await expect(openWriter(next.port, stale)).rejects.toThrow('refused');
});
