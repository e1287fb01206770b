import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readHolders } from './read-holders.ts';

const needsRoot = 'needs root: loop devices';
const isRoot = process.getuid?.() === 0;
const hasMapper = isRoot && spawnSync('dmsetup', ['targets']).status === 0;
const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' }).trim();

/** Rule D6 on a real disk of this machine: what its kernel says is found, not what a tree of files says. */
describe.skipIf(!isRoot)(`rule D6: a loop device that is in use (${needsRoot})`, () => {
  let folder: string;
  let undo: (() => void)[];
  let loop: string;
  beforeEach(() => {
    // A blank in the path, as the kernel's list of mounts writes it in octal digits.
    folder = mkdtempSync(join(tmpdir(), 'ossea held-'));
    undo = [];
    writeFileSync(join(folder, 'disk.img'), '');
    truncateSync(join(folder, 'disk.img'), 16 * 1024 ** 2);
    loop = run('losetup', '-f', '--show', join(folder, 'disk.img'));
    undo.push(() => run('losetup', '-d', loop));
    mkdirSync(join(folder, 'oma/sys/block/vdb/holders'), { recursive: true });
    mkdirSync(join(folder, 'oma/dev'));
    symlinkSync(loop, join(folder, 'oma/dev/vdb'));
    mkdirSync(join(folder, 'mnt'));
  });
  afterEach(() => {
    for (const step of undo.reverse()) step();
    rmSync(folder, { recursive: true });
  });

  const dev = () => run('cat', join('/sys/block', basename(loop), 'dev'));
  /** As a disk of the demo environment, and as a disk of this machine by its own name. */
  const inTheLab = () => readHolders(join(folder, 'oma'))({ name: 'vdb', dev: dev() });
  const onTheHost = () => readHolders('/')({ name: basename(loop), dev: dev() });
  const bothSay = (holders: readonly string[]) => {
    expect([inTheLab(), onTheHost()]).toEqual([holders, holders]);
  };

  test('a mounted file system, by its mount point; nothing once it is unmounted', () => {
    bothSay([]);
    run('mkfs.ext4', '-q', '-F', loop);
    run('mount', loop, join(folder, 'mnt'));
    undo.push(() => run('umount', join(folder, 'mnt')));
    bothSay([`mount ${join(folder, 'mnt')}`]);
    undo.pop()?.();
    bothSay([]);
  });

  test('a mounted file system on a partition of it', () => {
    run('addpart', loop, '1', '2048', '16384');
    undo.push(() => run('delpart', loop, '1'));
    run('mkfs.ext4', '-q', '-F', `${loop}p1`);
    run('mount', `${loop}p1`, join(folder, 'mnt'));
    undo.push(() => run('umount', join(folder, 'mnt')));
    bothSay([`mount ${join(folder, 'mnt')}`]);
  });

  test('swap', () => {
    run('mkswap', loop);
    run('swapon', loop);
    undo.push(() => run('swapoff', loop));
    bothSay(['swap']);
  });

  test.skipIf(!hasMapper)('a logical volume, by its name (needs a kernel with device mapper)', () => {
    const name = `ossea-held-${String(process.pid)}`;
    run('dmsetup', 'create', name, '--uuid', `LVM-${name}`, '--table', `0 2048 linear ${loop} 0`);
    undo.push(() => run('dmsetup', 'remove', name));
    bothSay([expect.stringMatching(new RegExp(`^LVM ${name} \\(dm-\\d+\\)$`)) as string]);
  });
});

test('a file that stands in for a disk has no users, whatever device has the number that it shows', () => {
  const root = mkdtempSync(join(tmpdir(), 'ossea-stand-in-'));
  try {
    mkdirSync(join(root, 'sys/block/vdb'), { recursive: true });
    mkdirSync(join(root, 'dev'));
    writeFileSync(join(root, 'dev/vdb'), '');
    expect(readHolders(root)({ name: 'vdb', dev: run('findmnt', '-n', '-o', 'MAJ:MIN', '/') })).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
});
