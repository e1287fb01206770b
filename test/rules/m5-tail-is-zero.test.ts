import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB, readAt, sha256OfFirst, writeImage } from '../fixtures/disk-bytes.ts';

describe.each(deviceKinds)('M5: what lies past the end of the source (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  // odd-01's kind of size: whole sectors, but no whole page; and a tail above the 64 MiB at which WRITE_ZEROES breaks.
  const sourceBytes = 5 * MiB + 512;
  const sizeBytes = 80 * MiB;

  test('an old tail is overwritten with zeroes when it is listed, all of it', async () => {
    oma = await buildAppliance(kind);
    const path = join(oma.folder, 'source.img');
    writeImage(path, sourceBytes, [[0, sourceBytes]]);
    const disk = oma.attach('vdb', sizeBytes);
    execFileSync('dd', [
      'if=/dev/urandom',
      `of=${disk.node}`,
      'bs=1M',
      'count=80',
      'conv=notrunc,fsync',
      'status=none',
    ]);
    const mapping = await oma.map(disk);
    const target = await oma.exports.ensureOpen(mapping, signal());
    const extents = [{ offset: 0, length: sizeBytes }];
    await oma
      .mover()
      .copySegment({ source: { path, format: 'raw' }, sourceBytes, target, mapping, extents, attempt: 1 }, signal());
    await oma.exports.close(mapping, signal());
    expect(sha256OfFirst(disk.node, sourceBytes)).toBe(sha256OfFirst(path, sourceBytes));
    const tail = readAt(disk.node, sourceBytes, sizeBytes - sourceBytes);
    expect(tail.length).toBe(sizeBytes - sourceBytes);
    expect(tail.equals(Buffer.alloc(tail.length))).toBe(true);
  });
});
