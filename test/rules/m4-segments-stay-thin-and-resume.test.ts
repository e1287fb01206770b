import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createSourceImages } from '../../main/adapters/images/source-images.ts';
import { clip, totalBytes } from '../../main/domain/extent.ts';
import { AppError } from '../../shared/errors.ts';
import { type Appliance, allocatedBytes, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB, sha256OfFirst, writeImage } from '../fixtures/disk-bytes.ts';

const sizeBytes = 64 * MiB;
const segmentBytes = 16 * MiB;

describe.each(deviceKinds)('M4: segments (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  const ready = async (areas: readonly (readonly [number, number])[]) => {
    oma = await buildAppliance(kind);
    const path = join(oma.folder, 'source.img');
    writeImage(path, sizeBytes, areas);
    const disk = oma.attach('vdb', sizeBytes);
    const mapping = await oma.map(disk);
    const target = await oma.exports.ensureOpen(mapping, signal());
    const request = { source: { path, format: 'raw' as const }, sourceBytes: sizeBytes, target, mapping };
    return { path, disk, mapping, request };
  };

  test('a thin source on a blank target stays thin, segment by segment, and is equal', async () => {
    const { path, disk, mapping, request } = await ready([
      [3 * MiB, MiB],
      [20 * MiB + 512, 777],
      [47 * MiB, 2 * MiB],
    ]);
    const extents = await createSourceImages({ dir: oma.folder }).allocated(request.source, signal());
    expect(totalBytes(extents)).toBeLessThan(4 * MiB);
    let attempt = 0;
    for (let offset = 0; offset < sizeBytes; offset += segmentBytes) {
      const listed = clip(extents, { offset, length: segmentBytes });
      attempt += 1;
      if (listed.length > 0) await oma.mover().copySegment({ ...request, extents: listed, attempt }, signal());
    }
    await oma.exports.close(mapping, signal());
    expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(path, sizeBytes));
    execFileSync('sync', [disk.backingPath]);
    expect(allocatedBytes(disk.backingPath)).toBeLessThan(8 * MiB);
  });

  test('a segment broken off half way is dirty: listed whole, it ends equal also where the source has holes', async () => {
    const { path, disk, mapping, request } = await ready([
      [0, 8 * MiB],
      [30 * MiB, 2 * MiB],
    ]);
    // Whatever the broken run may have left there.
    execFileSync('dd', [
      'if=/dev/urandom',
      `of=${disk.node}`,
      'bs=1M',
      'count=16',
      'conv=notrunc,fsync',
      'status=none',
    ]);
    const cancel = new AbortController();
    const segment = [{ offset: 0, length: segmentBytes }];
    const broken = oma.mover({ rateBytesPerSecond: 2 * MiB }).copySegment(
      {
        ...request,
        extents: segment,
        attempt: 1,
        onProgress: () => {
          cancel.abort(new AppError('CANCELLED'));
        },
      },
      { signal: cancel.signal },
    );
    await expect(broken).rejects.toMatchObject({ code: 'CANCELLED' });
    await oma.mover().copySegment({ ...request, extents: segment, attempt: 2 }, signal());
    await oma
      .mover()
      .copySegment({ ...request, extents: [{ offset: 30 * MiB, length: 2 * MiB }], attempt: 3 }, signal());
    await oma.exports.close(mapping, signal());
    expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(path, sizeBytes));
  });

  test('progress rises, counts what the server wrote, and never passes what was listed', async () => {
    const { request } = await ready([[0, 16 * MiB]]);
    const seen: number[] = [];
    const extents = [{ offset: 0, length: 16 * MiB }];
    const onProgress = (bytes: number) => {
      seen.push(bytes);
    };
    await oma
      .mover({ rateBytesPerSecond: 4 * MiB })
      .copySegment({ ...request, extents, attempt: 1, onProgress }, signal());
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(16 * MiB);
  });

  test.each(['qcow2', 'vmdk', 'ova'] as const)(
    'a %s source arrives as its content, past its end as zero',
    async (format) => {
      const { path, disk, mapping, request } = await ready([
        [0, 9 * MiB],
        [47 * MiB, 777],
      ]);
      const file = format === 'ova' ? 'source.vmdk' : `source.${format}`;
      const image = join(oma.folder, file);
      const options = format === 'ova' ? ['-o', 'subformat=streamOptimized'] : [];
      execFileSync('qemu-img', ['convert', '-O', format === 'ova' ? 'vmdk' : format, ...options, path, image]);
      if (format === 'ova') execFileSync('tar', ['-C', oma.folder, '-cf', join(oma.folder, 'source.ova'), file]);
      const source =
        format === 'ova' ? { path: join(oma.folder, 'source.ova'), format, member: file } : { path: image, format };
      const extents = await createSourceImages({ dir: oma.folder }).allocated(source, signal());
      await oma.mover().copySegment({ ...request, source, extents, attempt: 1 }, signal());
      await oma.exports.close(mapping, signal());
      expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(path, sizeBytes));
    },
  );

  test('a source that cannot be read is said to be that, with the reason', async () => {
    const { path, request } = await ready([[0, MiB]]);
    const extents = [{ offset: 0, length: MiB }];
    const lost = { path: `${path}.gone`, format: 'raw' as const };
    const notQcow2 = { path, format: 'qcow2' as const };
    for (const source of [lost, notQcow2]) {
      const copy = oma.mover().copySegment({ ...request, source, extents, attempt: 1 }, signal());
      await expect(copy).rejects.toMatchObject({ code: 'SOURCE_UNREADABLE', details: { path: source.path } });
    }
  });

  test('a volume without a serial, proved as the only new device, is copied the same way', async () => {
    oma = await buildAppliance(kind);
    const path = join(oma.folder, 'source.img');
    writeImage(path, sizeBytes, [[0, MiB]]);
    const disk = oma.attach('vdb', sizeBytes, { serial: false });
    const mapping = await oma.map(disk);
    const target = await oma.exports.ensureOpen(mapping, signal());
    const extents = [{ offset: 0, length: MiB }];
    const source = { path, format: 'raw' as const };
    await oma.mover().copySegment({ source, sourceBytes: sizeBytes, target, mapping, extents, attempt: 1 }, signal());
    await oma.exports.close(mapping, signal());
    expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(path, sizeBytes));
  });
});
