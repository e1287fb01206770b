import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { goExport, listExports } from '../../main/adapters/nbd/handshake.ts';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';

describe.each(deviceKinds)('N3: our nbd-server keeps to loopback and offers FLUSH (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  test('listens on 127.0.0.1 only, flush and FUA are offered, no connection limit', async () => {
    oma = await buildAppliance(kind);
    const mapping = await oma.map(oma.attach('vdb', 8 * MiB));
    const opened = await oma.exports.ensureOpen(mapping, signal());
    const portHex = opened.port.toString(16).toUpperCase().padStart(4, '0');
    const listeners = ['tcp', 'tcp6'].flatMap((table) =>
      readFileSync(`/proc/net/${table}`, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([, local, , state]) => state === '0A' && local?.endsWith(`:${portHex}`) === true)
        .map(([, local]) => local),
    );
    expect(listeners).toEqual([`0100007F:${portHex}`]);
    const { flags, sizeBytes } = await goExport(opened, opened.exportName, signal());
    expect(sizeBytes).toBe(8 * MiB);
    expect(flags & 4, 'FLUSH').not.toBe(0);
    expect(flags & 8, 'FUA').not.toBe(0);
    expect(readFileSync(join(oma.stateDir, 'nbd-server.conf'), 'utf8')).not.toContain('maxconnections');
    expect(await listExports(opened, signal())).toContain(opened.exportName);
  });

  test('a port that another program holds is left alone and named', async () => {
    oma = await buildAppliance(kind);
    const { createServer } = await import('node:net');
    const stranger = createServer();
    await new Promise<void>((resolve) => stranger.listen(oma.exports.port, '127.0.0.1', resolve));
    const mapping = await oma.map(oma.attach('vdb', MiB));
    await expect(oma.exports.ensureOpen(mapping, signal())).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      reason: expect.stringContaining(`pid ${process.pid}`) as string,
    });
    expect(stranger.listening).toBe(true);
    await new Promise((resolve) => stranger.close(resolve));
  });
});
