import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { closeSync, openSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createDiskHasher } from '../../main/adapters/hashing/disk-hasher.ts';
import type { Mapping } from '../../main/domain/device.ts';
import { type Appliance, buildAppliance, type Disk, deviceKinds, signal } from '../fixtures/appliance.ts';
import {
  bundleProgram,
  flushBuffers,
  MiB,
  readAt,
  sha256OfFirst,
  writeAt,
  writeImage,
} from '../fixtures/disk-bytes.ts';
import { noDatastores } from '../fixtures/no-datastores.ts';
import { realClock } from '../fixtures/real-clock.ts';

// Neither whole chunks nor whole pages, with holes of more than a chunk.
const bytes = 21 * MiB + 512;
const sizeBytes = 32 * MiB;

describe.each(deviceKinds)('P1/P2: the proof reads the device itself, in a program of its own (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  const ready = async () => {
    oma = await buildAppliance(kind);
    const source = join(oma.folder, 'source.img');
    writeImage(source, bytes, [
      [0, 3 * MiB],
      [bytes - 777, 777],
    ]);
    const disk = oma.attach('vdb', sizeBytes);
    execFileSync('dd', [`if=${source}`, `of=${disk.node}`, 'bs=1M', 'conv=notrunc,fsync', 'status=none']);
    if (kind === 'loop') flushBuffers(disk.node);
    const manifestsDir = join(oma.folder, 'manifests');
    const after = { snapshot: (): void => undefined };
    const hasher = createDiskHasher({
      hasherPath: bundleProgram('main/hasher/hasher.ts', join(oma.folder, 'hasher.cjs')),
      execPath: process.execPath,
      stateDir: join(oma.folder, 'hashing'),
      manifestsDir,
      hostAccess: {
        ...oma.hostAccess,
        snapshot: async (options) => {
          const seen = await oma.hostAccess.snapshot(options);
          after.snapshot();
          return seen;
        },
      },
      clock: realClock,
      datastores: noDatastores,
    });
    const mapping: Mapping = await oma.map(disk);
    return { source, disk, hasher, mapping, manifestsDir, after };
  };

  /** Behind the device's back, as bit rot would. */
  const flip = (disk: Disk, offset: number) => {
    const [byte] = readAt(disk.node, offset, 1);
    writeAt(disk.node, offset, Buffer.from([(byte ?? 0) ^ 1]));
  };

  test('both ends agree with each other, with sha256sum, and in their manifest', async () => {
    const { source, hasher, mapping, manifestsDir } = await ready();
    const here = await hasher.hashSource({ path: source, format: 'raw' }, bytes, signal());
    const there = await hasher.hashDevice(mapping, bytes, signal());
    expect(here.sha256).toBe(sha256OfFirst(source, bytes));
    expect(there.sha256).toBe(here.sha256);
    expect(there.manifestRoot).toBe(here.manifestRoot);
    expect(there).toMatchObject({ bytes, deviceBytes: sizeBytes, tailIsZero: true, reader: 'direct' });
    const manifest = readFileSync(join(manifestsDir, there.manifestRoot));
    expect(manifest.length).toBe(24 + 6 * 32 + 32);
    expect(manifest.subarray(-32).toString('hex')).toBe(there.manifestRoot);
  });

  test('listed chunks alone: the same digests as in the manifest, out of files, images, and the device', async () => {
    const { source, hasher, mapping, manifestsDir } = await ready();
    const { manifestRoot } = await hasher.hashDevice(mapping, bytes, signal());
    const manifest = readFileSync(join(manifestsDir, manifestRoot));
    const digestOf = (chunk: number): string =>
      manifest.subarray(24 + chunk * 32, 24 + (chunk + 1) * 32).toString('hex');
    const chunks = [0, 2, 5];
    const expected = chunks.map(digestOf);
    const image = join(oma.folder, 'source.qcow2');
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', 'qcow2', source, image]);
    const request = { bytes, chunks };
    expect(await hasher.sourceChunks({ path: source, format: 'raw' }, request, signal())).toEqual(expected);
    expect(await hasher.sourceChunks({ path: image, format: 'qcow2' }, request, signal())).toEqual(expected);
    expect(await hasher.deviceChunks(mapping, request, signal())).toEqual({ digests: expected, tailIsZero: true });
    expect(await hasher.deviceChunks(mapping, { bytes, chunks: [] }, signal())).toMatchObject({ digests: [] });
  });

  test('of listed chunks a flipped bit shows, and one in the tail, too; a chunk past the end is no chunk', async () => {
    const { disk, hasher, mapping } = await ready();
    const request = { bytes, chunks: [1, 3] };
    const before = await hasher.deviceChunks(mapping, request, signal());
    flip(disk, 3 * 4 * MiB + 99);
    flip(disk, bytes + 4096);
    const after = await hasher.deviceChunks(mapping, request, signal());
    expect(after.digests[0]).toBe(before.digests[0]);
    expect(after.digests[1]).not.toBe(before.digests[1]);
    expect(after.tailIsZero).toBe(false);
    await expect(hasher.deviceChunks(mapping, { bytes, chunks: [6] }, signal())).rejects.toMatchObject({
      code: 'HOST_UNREADABLE',
    });
  });

  test('a disk that took name and number of the other between proof and open is not read in its place', async () => {
    const { hasher, mapping, after } = await ready();
    const entry = join(oma.hostAccess.root, 'sys/block', mapping.device.name, 'diskseq');
    after.snapshot = () => {
      writeFileSync(entry, `${String(Number(mapping.device.diskseq) + 7)}\n`);
    };
    await expect(hasher.hashDevice(mapping, bytes, signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
    writeFileSync(entry, `${String(mapping.device.diskseq)}\n`);
    const blank = hasher.isZero(mapping, { offset: 0, length: sizeBytes }, signal());
    await expect(blank).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
  });

  test.each([
    ['the first byte', 0],
    ['a hole', 9 * MiB + 77],
    ['the last byte', bytes - 1],
  ])('one bit flipped in %s changes hash and manifest', async (_, offset) => {
    const { source, disk, hasher, mapping } = await ready();
    const here = await hasher.hashSource({ path: source, format: 'raw' }, bytes, signal());
    flip(disk, offset);
    const there = await hasher.hashDevice(mapping, bytes, signal());
    expect(there.sha256).not.toBe(here.sha256);
    expect(there.manifestRoot).not.toBe(here.manifestRoot);
    expect(there.tailIsZero).toBe(true);
  });

  test.each([
    ['first', bytes],
    ['last', sizeBytes - 1],
  ])('one bit flipped in the %s byte of the tail is seen', async (_, offset) => {
    const { disk, hasher, mapping } = await ready();
    flip(disk, offset);
    expect((await hasher.hashDevice(mapping, bytes, signal())).tailIsZero).toBe(false);
    expect(await hasher.isZero(mapping, { offset: bytes, length: sizeBytes - bytes }, signal())).toBe(false);
    const sides = { before: { offset: bytes + 1, length: 100 }, hole: { offset: 5 * MiB, length: 3 * MiB + 11 } };
    expect(await hasher.isZero(mapping, sides.before, signal())).toBe(true);
    expect(await hasher.isZero(mapping, sides.hole, signal())).toBe(true);
  });

  test('storage cut off below the device is INTEGRITY, never a shorter hash', async () => {
    const { disk, hasher, mapping } = await ready();
    truncateSync(disk.backingPath, 2 * MiB);
    await expect(hasher.hashDevice(mapping, bytes, signal())).rejects.toMatchObject({ code: 'INTEGRITY' });
  });

  test('another device under the path is DEVICE_CHANGED, whether sysfs shows it or not', async () => {
    const { disk, hasher, mapping } = await ready();
    const other = oma.attach('vdc', sizeBytes);
    execFileSync('ln', ['-sfn', other.node, join(oma.root, 'dev/vdb')]);
    await expect(hasher.hashDevice(mapping, bytes, signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
    await expect(hasher.isZero(mapping, { offset: 0, length: MiB }, signal())).rejects.toMatchObject({
      code: 'DEVICE_CHANGED',
    });
    oma.swap(disk, other);
    await expect(hasher.hashDevice(mapping, bytes, signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
  });

  test('a source in qcow2 or vmdk has the hash of its content', async () => {
    const { source, hasher } = await ready();
    const expected = sha256OfFirst(source, bytes);
    for (const format of ['qcow2', 'vmdk'] as const) {
      const path = join(oma.folder, `source.${format}`);
      execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', format, source, path]);
      const hash = await hasher.hashSource({ path, format }, bytes, signal());
      expect(hash).toMatchObject({ sha256: expected, bytes, reader: 'stream' });
    }
    writeImage(join(oma.folder, 'no.qcow2'), MiB, [[0, 512]]);
    const broken = hasher.hashSource({ path: join(oma.folder, 'no.qcow2'), format: 'qcow2' }, bytes, signal());
    await expect(broken).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE' });
  });

  test.skipIf(kind === 'file')(
    'a page cache that lies is not believed (a file has but one cache: loop devices only)',
    async () => {
      const { source, disk, hasher, mapping } = await ready();
      // Held open: the kernel drops a device's cache with its last opener.
      const held = openSync(disk.node, 'r');
      const before = sha256OfFirst(disk.node, bytes);
      expect(before).toBe(sha256OfFirst(source, bytes));
      // The storage rots while the device's cache, filled by the read above, still shows what was.
      const [byte] = readAt(disk.backingPath, MiB, 1);
      writeAt(disk.backingPath, MiB, Buffer.from([(byte ?? 0) ^ 1]));
      expect(sha256OfFirst(disk.node, bytes)).toBe(before);
      const there = await hasher.hashDevice(mapping, bytes, signal());
      expect(there.sha256).not.toBe(before);
      expect(there.sha256).toBe(sha256OfFirst(disk.backingPath, bytes));
      closeSync(held);
    },
  );

  test('a dirty page cache is not what is hashed: unwritten random bytes are on the device or in neither', async () => {
    const { disk, hasher, mapping } = await ready();
    writeAt(disk.node, 0, randomBytes(MiB));
    const { sha256 } = await hasher.hashDevice(mapping, bytes, signal());
    if (kind === 'loop') flushBuffers(disk.node);
    expect(sha256).toBe(sha256OfFirst(disk.backingPath, bytes));
  });
});
