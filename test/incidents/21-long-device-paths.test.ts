// In the original, device_path was VARCHAR(32): a path by id was cut off or refused.
import { mkdtempSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openRecords } from '../../main/adapters/sqlite/open.ts';
import { systemIds } from '../../main/adapters/system/ids.ts';
import { buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';
import { realClock } from '../fixtures/real-clock.ts';

test('a device by its id is kept whole in the records, and its export leads to it after a restart', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'ossea-long-'));
  const oma = await buildAppliance('file');
  const fixed = { hostId: 'oma-1', newId: systemIds.next(), kind: 'lab', firstNbdPort: 1 } as const;
  const records = await openRecords({ dir, clock: realClock, publish: () => undefined, ...fixed });
  try {
    const seen = await oma.map(oma.attach('vdb', MiB));
    const path = `/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_${seen.device.serial}-${'x'.repeat(200)}`;
    await records.store.write((tx) =>
      records.mappings.insert(tx, { ...seen, device: { ...seen.device, path, name: path.slice('/dev/'.length) } }),
    );
    expect((await records.mappings.openOf(seen.volumeId))?.device.path).toBe(path);

    const { linkPath, exportName, port } = await oma.exports.ensureOpen(seen, signal());
    expect(linkPath.length).toBeGreaterThan(100);
    expect(readlinkSync(linkPath)).toMatch(new RegExp(`/dev/disk/by-id/virtio-${seen.device.serial}$`));
    const next = oma.secondDaemon();
    await next.ensureOpen(await oma.map(oma.attach('vdc', MiB)), signal());
    (await openWriter(port, exportName)).end();
  } finally {
    await records.close();
    await oma.remove();
    rmSync(dir, { recursive: true });
  }
});
