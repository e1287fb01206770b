import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listExports } from '../../main/adapters/nbd/handshake.ts';
import { makePair, openNbdCertificates } from '../../main/adapters/tunnel/nbd-certificates.ts';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB, sha256OfFirst, writeImage } from '../fixtures/disk-bytes.ts';
import { nbdcopy } from '../fixtures/tunnel-bench.ts';

let oma: Appliance;
beforeEach(async () => {
  oma = await buildAppliance('file', async (folder) => {
    const { files } = await openNbdCertificates({ dir: join(folder, 'tls'), addresses: ['127.0.0.1'] }, signal());
    return { listenAddress: '0.0.0.0', ...files };
  });
});
afterEach(async () => {
  await oma.remove();
});

test('N3: on all addresses our server speaks TLS alone; the daemon checks it and its mover copies through gate and reload', async () => {
  const source = join(oma.folder, 'source.img');
  writeImage(source, 16 * MiB, [[MiB, 9 * MiB]]);
  const disk = oma.attach('vdb', 16 * MiB);
  const mapping = await oma.map(disk);
  const opened = await oma.exports.ensureOpen(mapping, signal());
  expect(await listExports(opened, signal())).toContain(opened.exportName);
  await oma.exports.ensureOpen(await oma.map(oma.attach('vdc', MiB)), signal());
  const extents = [{ offset: 0, length: 16 * MiB }];
  const request = { source: { path: source, format: 'raw' as const }, sourceBytes: 16 * MiB, target: opened, mapping };
  await oma.mover().copySegment({ ...request, extents, attempt: 1 }, signal());
  expect(sha256OfFirst(disk.node, 16 * MiB)).toBe(sha256OfFirst(source, 16 * MiB));
});

test('N3: nobody else is let in: not in clear, not with a certificate that is not listed', async () => {
  const opened = await oma.exports.ensureOpen(await oma.map(oma.attach('vdb', MiB)), signal());
  const { tlsDir: _, ...inClear } = opened;
  await expect(listExports(inClear, signal())).rejects.toMatchObject({ code: 'EXPORT_FAILED' });
  const stranger = join(oma.folder, 'stranger');
  await makePair({ dir: stranger, base: 'client', commonName: 'stranger' }, signal());
  const [source, uri] = [join(oma.folder, 'source.img'), `127.0.0.1:${opened.port}/${opened.exportName}`];
  writeImage(source, MiB, [[0, MiB]]);
  await expect(nbdcopy(source, `nbds://${uri}?tls-certificates=${stranger}`)).rejects.toThrow();
  await expect(nbdcopy(source, `nbd://${uri}`)).rejects.toThrow(/requires TLS/);
});
