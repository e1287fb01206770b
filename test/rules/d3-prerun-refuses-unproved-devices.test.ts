import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

describe.each(deviceKinds)('D3: nbd-server itself refuses what was not proved (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  const openTwo = async () => {
    oma = await buildAppliance(kind);
    const disk = oma.attach('vdb', 8 * MiB);
    const other = oma.attach('vdc', 8 * MiB);
    const mapping = await oma.map(disk);
    const opened = await oma.exports.ensureOpen(mapping, signal());
    return { disk, other, mapping, opened };
  };

  test('a proved device is served, through its by-id link below this boot', async () => {
    const { opened, mapping } = await openTwo();
    (await openWriter(opened.port, opened.exportName)).end();
    expect(opened.linkPath).toContain(join('run/ossea', mapping.bootId, 'vol', mapping.volumeId));
  });

  test('two disks exchanged between attach and export', async () => {
    const { opened, mapping, disk, other } = await openTwo();
    oma.swap(disk, other);
    await expect(openWriter(opened.port, opened.exportName)).rejects.toThrow('refused');
    await expect(oma.exports.ensureOpen(mapping, signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
  });

  test('only the node exchanged, while sysfs looks as before', async () => {
    const { opened, mapping, disk, other } = await openTwo();
    execFileSync('ln', ['-sfn', other.node, join(oma.root, 'dev', disk.name)]);
    await expect(openWriter(opened.port, opened.exportName)).rejects.toThrow('refused');
    await expect(oma.exports.ensureOpen(mapping, signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
  });

  test.each(['dev', 'size', 'diskseq', 'serial'])('another %s under the same name', async (attribute) => {
    const { opened } = await openTwo();
    const path = join(oma.root, 'sys/block/vdb', attribute);
    writeFileSync(path, attribute === 'dev' ? '9:99\n' : '4242\n');
    await expect(openWriter(opened.port, opened.exportName)).rejects.toThrow('refused');
  });

  test('a reboot: refused until proved again, then served below the new boot', async () => {
    const { opened, disk, mapping } = await openTwo();
    oma.reboot();
    await expect(openWriter(opened.port, opened.exportName)).rejects.toThrow('refused');
    await expect(oma.exports.ensureOpen(mapping, signal())).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
    const anew = await oma.exports.ensureOpen(await oma.map(disk), signal());
    expect(anew.linkPath).not.toBe(opened.linkPath);
    expect(existsSync(opened.linkPath)).toBe(false);
    (await openWriter(anew.port, anew.exportName)).end();
  });

  test.each([
    [
      'missing',
      (path: string) => {
        rmSync(path);
      },
    ],
    [
      'cut off',
      (path: string) => {
        writeFileSync(path, readFileSync(path, 'utf8').slice(0, -8));
      },
    ],
    [
      'empty',
      (path: string) => {
        writeFileSync(path, '');
      },
    ],
  ])('the stamp is %s', async (_, spoil) => {
    const { opened } = await openTwo();
    spoil(`${opened.linkPath}.stamp`);
    await expect(openWriter(opened.port, opened.exportName)).rejects.toThrow('refused');
  });
});
