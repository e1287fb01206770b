import { execFileSync } from 'node:child_process';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { nbdcopyFlags } from '../../main/adapters/movers/copy-run.ts';
import { extentList } from '../../main/adapters/movers/source-server.ts';
import { findProgram } from '../../main/adapters/processes/find-program.ts';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB, sha256OfFirst, writeAt, writeImage } from '../fixtures/disk-bytes.ts';

const sizeBytes = 32 * MiB;
/** What the second run lists: an area changed to random bytes and one changed to zero. */
const changed = [
  { offset: 2 * MiB, length: MiB },
  { offset: 8 * MiB, length: 4 * MiB },
];

describe.each(deviceKinds)('M2: only these flags copy listed areas and nothing else (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  /** A target equal to an older state of the source. */
  const ready = async () => {
    oma = await buildAppliance(kind);
    const source = join(oma.folder, 'source.img');
    writeImage(source, sizeBytes, [[0, 24 * MiB]]);
    const disk = oma.attach('vdb', sizeBytes);
    copyFileSync(source, join(oma.folder, 'older.img'));
    execFileSync('dd', [`if=${source}`, `of=${disk.node}`, 'bs=1M', 'conv=notrunc,fsync', 'status=none']);
    writeImage(join(oma.folder, 'new-area.img'), MiB, [[0, MiB]]);
    execFileSync('dd', [
      `if=${oma.folder}/new-area.img`,
      `of=${source}`,
      'bs=1M',
      'seek=2',
      'conv=notrunc',
      'status=none',
    ]);
    writeAt(source, 8 * MiB, Buffer.alloc(4 * MiB));
    const mapping = await oma.map(disk);
    const target = await oma.exports.ensureOpen(mapping, signal());
    return { source, disk, mapping, target };
  };

  const copyWith = async (flags: readonly string[]) => {
    const { source, disk, mapping, target } = await ready();
    writeFileSync(join(oma.folder, 'list'), extentList(changed));
    const nbdkit = [
      '[',
      findProgram('nbdkit'),
      '-r',
      '--exit-with-parent',
      '--filter=extentlist',
      'file',
      `file=${source}`,
    ];
    const uri = `nbd://127.0.0.1:${target.port}/${target.exportName}`;
    execFileSync(findProgram('nbdcopy'), [...flags, '--', ...nbdkit, `extentlist=${oma.folder}/list`, ']', uri]);
    await oma.exports.close(mapping, signal());
    return sha256OfFirst(disk.node, sizeBytes) === sha256OfFirst(source, sizeBytes);
  };

  test('without -S 0 the areas that became zero are lost, and nbdcopy says success', async () => {
    expect(await copyWith(['--destination-is-zero', '--flush', '--connections=1'])).toBe(false);
  });

  test('without --destination-is-zero what was not listed is wiped, and nbdcopy says success', async () => {
    expect(await copyWith(['-S', '0', '--flush', '--connections=1'])).toBe(false);
  });

  test('our flags: equal', async () => {
    expect(await copyWith(nbdcopyFlags)).toBe(true);
  });

  test('our mover: equal', async () => {
    const { source, disk, mapping, target } = await ready();
    const source_ = { path: source, format: 'raw' as const };
    const request = { source: source_, sourceBytes: sizeBytes, target, mapping, extents: changed, attempt: 1 };
    await oma.mover().copySegment(request, signal());
    await oma.exports.close(mapping, signal());
    expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(source, sizeBytes));
  });

  test.each([
    ['an empty list', []],
    [
      'a list out of order',
      [
        { offset: MiB, length: 512 },
        { offset: 0, length: 512 },
      ],
    ],
    [
      'a list that overlaps',
      [
        { offset: 0, length: 1024 },
        { offset: 512, length: 1024 },
      ],
    ],
    ['a list past the end of the device', [{ offset: sizeBytes, length: 512 }]],
  ])('%s is never handed to nbdcopy', async (_, extents) => {
    const { source, mapping, target } = await ready();
    const image = { path: source, format: 'raw' as const };
    const request = { source: image, sourceBytes: sizeBytes, target, mapping, extents, attempt: 1 };
    await expect(oma.mover().copySegment(request, signal())).rejects.toMatchObject({ code: 'INTERNAL' });
  });
});
