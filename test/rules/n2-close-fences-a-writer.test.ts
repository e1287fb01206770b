import { closeSync, mkdirSync, openSync, readlinkSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB, readAt } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

describe.each(deviceKinds)('N2: a closed export has no writer left (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  test('a client that is connected and writing fails at its next write, and nobody gets in again', async () => {
    oma = await buildAppliance(kind);
    const disk = oma.attach('vdb', 8 * MiB);
    const mapping = await oma.map(disk);
    const opened = await oma.exports.ensureOpen(mapping, signal());
    const writer = await openWriter(opened.port, opened.exportName);
    expect(await writer.write(0, Buffer.alloc(4096, 1))).toBe(true);
    expect(await oma.exports.clients()).toMatchObject([{ dev: mapping.device.dev }]);

    await oma.exports.close(mapping, signal());

    expect(await writer.write(4096, Buffer.alloc(4096, 2))).toBe(false);
    // The acknowledged write reached the disk itself, the fenced one did not.
    expect(readAt(disk.backingPath, 0, 1)[0]).toBe(1);
    expect(readAt(disk.backingPath, 4096, 1)[0]).toBe(0);
    expect(await oma.exports.clients()).toEqual([]);
    expect(await oma.exports.listed()).toEqual([]);
    await expect(openWriter(opened.port, opened.exportName)).rejects.toThrow('refused');
    await oma.exports.close(mapping, signal());
  });

  test('a writer that outlived a reload, and so has no parent, is fenced too', async () => {
    oma = await buildAppliance(kind);
    const mapping = await oma.map(oma.attach('vdb', 8 * MiB));
    const opened = await oma.exports.ensureOpen(mapping, signal());
    const writer = await openWriter(opened.port, opened.exportName);
    await oma.exports.ensureOpen(await oma.map(oma.attach('vdc', MiB)), signal());
    expect(await writer.write(0, Buffer.alloc(512, 1))).toBe(true);
    await oma.exports.fence(mapping, signal());
    expect(await writer.write(0, Buffer.alloc(512, 2))).toBe(false);
    // The export itself is still there for the next attempt.
    const again = await openWriter(opened.port, opened.exportName);
    expect(await again.write(0, Buffer.alloc(512, 3))).toBe(true);
    again.end();
  });

  test('a device that something else holds is not called closed, and the holder is named', async () => {
    oma = await buildAppliance(kind);
    const mapping = await oma.map(oma.attach('vdb', MiB));
    await oma.exports.ensureOpen(mapping, signal());
    const stranger = openSync(join(oma.root, 'dev/vdb'), 'r');
    try {
      await expect(oma.exports.close(mapping, signal())).rejects.toMatchObject({
        code: 'EXPORT_NOT_CLOSED',
        reason: expect.stringContaining(`pid ${process.pid}`) as string,
      });
    } finally {
      closeSync(stranger);
    }
    await oma.exports.close(mapping, signal());
  });

  test('a disk that LVM took is neither exported nor released', async () => {
    oma = await buildAppliance(kind);
    const mapping = await oma.map(oma.attach('vdb', MiB));
    const holders = join(oma.root, 'sys/block/vdb/holders');
    mkdirSync(holders);
    writeFileSync(join(holders, 'dm-0'), '');
    const held = { code: 'DEVICE_HELD', reason: expect.stringContaining('dm-0') as string };
    await expect(oma.exports.ensureOpen(mapping, signal())).rejects.toMatchObject(held);
    await expect(oma.exports.close(mapping, signal())).rejects.toMatchObject(held);
    rmSync(holders, { recursive: true });
    await oma.exports.close(mapping, signal());
  });

  test('an export is never re-pointed while a client has it: the old one is closed first', async () => {
    oma = await buildAppliance(kind);
    const first = oma.attach('vdb', 8 * MiB);
    const second = oma.attach('vdc', 8 * MiB);
    const before = await oma.map(first);
    const opened = await oma.exports.ensureOpen(before, signal());
    const writer = await openWriter(opened.port, opened.exportName);
    const link = readlinkSync(opened.linkPath);
    // The volume was detached and attached again: the same serial, now on another device.
    rmSync(join(oma.root, 'dev/disk/by-id', `virtio-${first.serial}`));
    symlinkSync('../../vdc', join(oma.root, 'dev/disk/by-id', `virtio-${first.serial}`));
    writeFileSync(join(oma.root, 'sys/block/vdc/serial'), first.serial);
    const after = await oma.map({ ...first, name: 'vdc' });
    expect(after.device.dev).toBe(second.dev);
    await oma.exports.ensureOpen(after, signal());
    expect(await writer.write(0, Buffer.alloc(512, 7))).toBe(false);
    expect(readlinkSync(opened.linkPath)).toBe(link);
  });
});
