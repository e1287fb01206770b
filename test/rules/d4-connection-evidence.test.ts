import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';
import { eventually } from '../fixtures/real-clock.ts';

describe.each(deviceKinds)('D4: a connection is known by the export it came through, not by its port (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  const openOne = async (name: string) => {
    const mapping = await oma.map(oma.attach(name, 8 * MiB));
    const opened = await oma.exports.ensureOpen(mapping, signal());
    const stamps = join(oma.root, 'run/ossea', mapping.bootId, 'conn');
    return { mapping, opened, stamps };
  };

  /** The connections now; what the daemon's own handshakes left may take a moment to end. */
  const clients = (count: number) =>
    eventually(
      async () => {
        const found = await oma.exports.clients();
        return found.length === count ? found : null;
      },
      `${String(count)} connections`,
    );

  test('two connections, each for its own volume, also over a reload that takes their parent', async () => {
    oma = await buildAppliance(kind);
    const one = await openOne('vdb');
    const first = await openWriter(one.opened.port, one.opened.exportName);
    const two = await openOne('vdc');
    const second = await openWriter(two.opened.port, two.opened.exportName);
    const seen = (await clients(2)).map(({ volumeId, dev }) => [volumeId, dev]);
    expect(seen).toHaveLength(2);
    for (const { mapping } of [one, two]) expect(seen).toContainEqual([mapping.volumeId, mapping.device.dev]);
    first.end();
    second.end();
  });

  test('a stamp of another process with the same pid, of a half, or of another boot proves nothing', async () => {
    oma = await buildAppliance(kind);
    const { opened, stamps } = await openOne('vdb');
    const writer = await openWriter(opened.port, opened.exportName);
    const [client] = await clients(1);
    const path = join(stamps, String(client?.pid));
    const stamp = readFileSync(path, 'utf8');
    const volumeNow = async () => (await clients(1))[0]?.volumeId;
    writeFileSync(path, stamp.replace(/^started=\d+$/m, 'started=1'));
    expect(await volumeNow()).toBeNull();
    writeFileSync(path, stamp.replace('complete=yes\n', ''));
    expect(await volumeNow()).toBeNull();
    writeFileSync(path, stamp);
    expect(await volumeNow()).toBe(opened.volumeId);
    oma.reboot();
    expect(await volumeNow()).toBeNull();
    writer.end();
  });

  test('who cannot be stamped is not let in', async () => {
    oma = await buildAppliance(kind);
    const { opened, stamps } = await openOne('vdb');
    rmSync(stamps, { recursive: true });
    writeFileSync(stamps, 'no folder');
    await expect(openWriter(opened.port, opened.exportName)).rejects.toThrow('refused');
    expect(await oma.exports.clients()).toEqual([]);
  });

  test('stamps of connections that have ended do not stay', async () => {
    oma = await buildAppliance(kind);
    const { mapping, opened, stamps } = await openOne('vdb');
    for (let round = 0; round < 5; round += 1) (await openWriter(opened.port, opened.exportName)).end();
    writeFileSync(join(stamps, '999999999.1'), 'the half of one that was killed');
    await clients(0);
    await oma.exports.close(mapping, signal());
    expect(readdirSync(stamps)).toEqual([]);
  });
});
