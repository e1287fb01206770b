import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { noLog } from '../../../test/fixtures/no-log.ts';
import { realClock } from '../../../test/fixtures/real-clock.ts';
import { unfoldTree } from '../../../test/fixtures/sysfs/unfold.ts';
import type { BlockDevice } from '../../domain/device.ts';
import { createLocalHostAccess } from './local-host-access.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ossea-sysfs-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

const read = async (): Promise<readonly BlockDevice[]> => {
  const host = createLocalHostAccess({ root, hostId: 'oma-1', clock: realClock, log: noLog });
  return (await host.snapshot({ signal: AbortSignal.timeout(30_000) })).devices;
};
const serials = async () => Object.fromEntries((await read()).map(({ name, serial }) => [name, serial]));
const write = (path: string, bytes: string | Buffer) => {
  writeFileSync(join(root, path), bytes);
};

describe('rule D2: the serial of a disk, as the kernel shows it', () => {
  test('virtio: twenty characters and no newline; the root disk has none', async () => {
    unfoldTree('virtio', root);
    expect(await serials()).toEqual({ vda: '', vdb: '8a4400e5c92a4bc48bff', vdd: '1f0c77de5b7a41d39a60' });
  });

  test('SCSI: from VPD page 0x80 by its length, without padding and without what follows', async () => {
    unfoldTree('scsi-vpd-pg80', root);
    expect(await serials()).toEqual({
      sda: '8a4400e5c92a4bc48bff',
      sdb: '1f0c77de5b7a41d39a60',
      sdc: 'c0ffee5a1b2c4d3e8f90',
    });
  });

  test.each([
    ['cut in the serial', Buffer.from('\0\x80\0\x148a4400e5', 'latin1')],
    ['cut in the header', Buffer.from('\0\x80', 'latin1')],
    ['empty', Buffer.alloc(0)],
    ['another page', Buffer.from('\0\x83\0\x148a4400e5c92a4bc48bff', 'latin1')],
  ])('a serial page that is %s is an error, not a disk without a serial', async (_what, page) => {
    unfoldTree('scsi-vpd-pg80', root);
    write('sys/block/sdb/device/vpd_pg80', page);
    await expect(read()).rejects.toMatchObject({
      code: 'HOST_UNREADABLE',
      reason: expect.stringContaining('sdb') as string,
    });
  });

  test('hypervisors without serials, kernels without diskseq', async () => {
    unfoldTree('no-serial', root);
    expect((await read()).map(({ name, serial, diskseq }) => ({ name, serial, diskseq }))).toEqual([
      { name: 'sda', serial: '', diskseq: '4' },
      { name: 'xvda', serial: '', diskseq: null },
      { name: 'xvdb', serial: '', diskseq: null },
    ]);
  });

  test('CD-ROM, floppy, loop, RAM, NBD, device mapper, md, a hidden path and an empty drive are never a volume', async () => {
    unfoldTree('loop-and-rom', root);
    expect((await read()).map(({ name }) => name)).toEqual(['vdb']);
  });

  test.each([
    ['dev', 'dev is "7"', '7\n'],
    ['size', 'size is ""', ''],
  ])('an entry without a %s that makes sense is not believed', async (attribute, why, text) => {
    unfoldTree('virtio', root);
    write(`sys/block/vdb/${attribute}`, text);
    await expect(read()).rejects.toMatchObject({
      code: 'HOST_UNREADABLE',
      reason: expect.stringContaining(why) as string,
    });
  });
});

describe('rule D6: who holds a disk is said by name', () => {
  const holders = async () => Object.fromEntries((await read()).map(({ name, holders }) => [name, holders]));

  test('an md array on a partition', async () => {
    unfoldTree('partitioned', root);
    expect(await holders()).toEqual({ vdb: ['md array md127'] });
  });

  test('LVM, multipath, dm-crypt on a partition, and what is none of these', async () => {
    unfoldTree('held-by-lvm', root);
    expect(await holders()).toEqual({
      vdb: ['LVM vg0-data (dm-0)'],
      vdc: ['multipath mpatha (dm-1)'],
      vdd: ['dm-crypt luks-data (dm-2)'],
      vde: ['bcache0', 'device mapper by-hand (dm-3)'],
    });
  });
});

describe('rule D2: the link by which udev names a serial is a second opinion', () => {
  /** The trees have no nodes; a file stands in for each, as in the demo environment of an ordinary user. */
  const standIn = () => {
    for (const name of ['sda', 'sdb', 'sdc']) {
      const node = join(root, 'dev', name);
      writeFileSync(node, '');
      const { dev, ino } = statSync(node, { bigint: true });
      write(`sys/block/${name}/dev`, `${String(dev)}:${String(ino)}\n`);
    }
  };
  const contradictions = async () =>
    (await read()).flatMap(({ name, byIdLeadsTo }) => (byIdLeadsTo === undefined ? [] : [[name, byIdLeadsTo]]));
  const link = (name: string, target: string) => {
    symlinkSync(target, join(root, 'dev/disk/by-id', name));
  };

  test('it leads to the disk, or there is none, or it leads to nothing any more: no contradiction', async () => {
    unfoldTree('scsi-vpd-pg80', root);
    standIn();
    link('scsi-1f0c77de5b7a41d39a60', '../../sdz');
    expect(await contradictions()).toEqual([]);
  });

  test('it leads to another disk: that is reported with the disk, and the others are not concerned', async () => {
    unfoldTree('scsi-vpd-pg80', root);
    standIn();
    link('scsi-0QEMU_QEMU_HARDDISK_1f0c77de5b7a41d39a60', '../../sdc');
    expect(await contradictions()).toEqual([['sdb', '/dev/sdc']]);
  });

  test('no folder of links at all is a host whose udev makes none', async () => {
    unfoldTree('no-serial', root);
    mkdirSync(join(root, 'dev'));
    expect(await contradictions()).toEqual([]);
  });
});
