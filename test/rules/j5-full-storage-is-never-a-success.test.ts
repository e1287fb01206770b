import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Appliance, buildAppliance, type DeviceKind, isRoot, signal } from '../fixtures/appliance.ts';
import { MiB, writeImage } from '../fixtures/disk-bytes.ts';
import { mountSmallStorage } from '../fixtures/full-disk.ts';

const needsRoot = 'needs root: a small file system is mounted';

describe('J5: the storage behind the target is full', () => {
  let oma: Appliance;
  let unmount: () => void = () => undefined;
  afterEach(async () => {
    await oma.remove();
    unmount();
  });

  const copyInto = async (kind: DeviceKind) => {
    oma = await buildAppliance(kind);
    const storage = mountSmallStorage(8);
    unmount = () => {
      storage.unmount();
    };
    const path = join(oma.folder, 'source.img');
    const sizeBytes = 32 * MiB;
    writeImage(path, sizeBytes, [[0, sizeBytes]]);
    const mapping = await oma.map(oma.attach('vdb', sizeBytes, { backingFolder: storage.path }));
    const target = await oma.exports.ensureOpen(mapping, signal());
    const extents = [{ offset: 0, length: sizeBytes }];
    const source = { path, format: 'raw' as const };
    const request = { source, sourceBytes: sizeBytes, target, mapping, extents, attempt: 1 };
    return oma.mover().copySegment(request, signal());
  };

  test.skipIf(!isRoot)(`a write fails at once: TARGET_FULL (${needsRoot})`, async () => {
    await expect(copyInto('file')).rejects.toMatchObject({
      code: 'TARGET_FULL',
      reason: expect.stringContaining('No space left on device') as string,
    });
  });

  test.skipIf(!isRoot)(`only the flush fails, all writes were acknowledged: not a success (${needsRoot})`, async () => {
    await expect(copyInto('loop')).rejects.toMatchObject({
      code: expect.stringMatching(/^(TARGET_FULL|MOVER_FAILED)$/) as string,
      reason: expect.stringMatching(/flush|Input\/output error|No space/) as string,
    });
  });
});
