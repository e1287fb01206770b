import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../shared/errors.ts';
import { eventually, realClock } from '../../../test/fixtures/real-clock.ts';
import type { Log } from '../../ports/log.ts';
import { findProgram } from '../processes/find-program.ts';
import { createDeviceEvents, createKernelEvents } from './device-events.ts';
import { createLocalHostAccess } from './local-host-access.ts';

let folder: string;
let said: string[];
let stop: AbortController;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ossea-events-'));
  said = [];
  stop = new AbortController();
});
afterEach(() => {
  stop.abort(new AppError('CANCELLED'));
  rmSync(folder, { recursive: true });
});
const log: Log = {
  info: () => undefined,
  warn: (_message, fields) => said.push(String(fields?.['reason'])),
  error: () => undefined,
};

/** A program of our own in place of udevadm, for what the real one does only when the machine's disks change. */
const standIn = (script: string): (() => string) => {
  const path = join(folder, 'monitor');
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return () => path;
};

/** What the real one of Debian 12 printed for a virtio disk, its partition, and a loop device. */
const printed = `cat <<'END'
monitor will print the received events for:
KERNEL - the kernel uevent

KERNEL[20118.797357] add      /devices/pci0000:00/0000:00:09.0/virtio6/block/vdb (block)
KERNEL[20118.801120] add      /devices/pci0000:00/0000:00:09.0/virtio6/block/vdb/vdb1 (block)
KERNEL[20119.762357] change   /devices/virtual/block/loop14 (block)
END
echo $$ > "$(dirname "$0")/pid"
exec sleep 1000`;

describe('the news of a kernel, by udevadm', () => {
  test('names the disk, also for its partition; the monitor is gone when it is no longer wanted', async () => {
    const heard: string[] = [];
    const ended = createKernelEvents({ log, monitorPath: standIn(printed) }).run((name) => heard.push(name), stop);
    await eventually(() => heard.length === 3 && existsSync(join(folder, 'pid')), 'three events');
    expect(heard).toEqual(['vdb', 'vdb', 'loop14']);
    const pid = readFileSync(join(folder, 'pid'), 'utf8').trim();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    stop.abort(new AppError('CANCELLED'));
    await ended;
    expect(existsSync(`/proc/${pid}`)).toBe(false);
    expect(said).toEqual([]);
  });

  test('a monitor that ends by itself is said once, however often it is begun', async () => {
    const events = createKernelEvents({ log, monitorPath: standIn('echo no netlink >&2; exit 1') });
    await events.run(() => undefined, stop);
    await events.run(() => undefined, stop);
    expect(said).toEqual(['udevadm monitor ended']);
  });

  test('no udevadm: said once with the package, and disks are still found by the tick', async () => {
    const events = createKernelEvents({ log, monitorPath: () => findProgram('no-such-udevadm') });
    mkdirSync(join(folder, 'proc/sys/kernel/random'), { recursive: true });
    writeFileSync(join(folder, 'proc/sys/kernel/random/boot_id'), 'boot-1\n');
    mkdirSync(join(folder, 'sys/block'), { recursive: true });
    const host = createLocalHostAccess({ root: folder, hostId: 'oma-1', clock: realClock, log, events });
    const seen: string[] = [];
    host.watch(({ added }) => seen.push(...added.map(({ name }) => name)), stop);
    mkdirSync(join(folder, 'sys/block/.vdb'));
    for (const [name, text] of Object.entries({ dev: '252:16', size: '8', serial: 'x' }))
      writeFileSync(join(folder, 'sys/block/.vdb', name), text);
    execFileSync('mv', [join(folder, 'sys/block/.vdb'), join(folder, 'sys/block/vdb')]);
    await eventually(() => seen.includes('vdb'), 'the disk is found');
    await host.close();
    expect(said).toEqual([expect.stringContaining('`no-such-udevadm` was not found') as string]);
  });

  const isThere = () => {
    try {
      return findProgram('udevadm') !== '';
    } catch {
      return false;
    }
  };
  test.skipIf(process.getuid?.() !== 0 || !isThere())(
    'the real one tells of a loop device (needs root and udev)',
    async () => {
      const heard = new Set<string>();
      const ended = createKernelEvents({ log }).run((name) => heard.add(name), stop);
      const image = join(folder, 'disk.img');
      writeFileSync(image, '');
      truncateSync(image, 1024 ** 2);
      const attached: string[] = [];
      await eventually(() => {
        // The monitor says nothing when it is ready, so a change is made until it has told one.
        const loop = execFileSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).trim();
        attached.push(loop.replace('/dev/', ''));
        execFileSync('losetup', ['-d', loop]);
        return attached.some((name) => heard.has(name));
      }, 'the kernel tells of a loop device');
      stop.abort(new AppError('CANCELLED'));
      await ended;
      expect(said).toEqual([]);
    },
  );
});

describe('the news of a tree of files, by inotify', () => {
  test('names the entry that came or went', async () => {
    mkdirSync(join(folder, 'sys/block'), { recursive: true });
    const heard: string[] = [];
    const ended = createDeviceEvents(folder, { log }).run((name) => heard.push(name), stop);
    mkdirSync(join(folder, 'sys/block/vdb'));
    await eventually(() => heard.includes('vdb'), 'the entry came');
    heard.splice(0);
    rmSync(join(folder, 'sys/block/vdb'), { recursive: true });
    await eventually(() => heard.includes('vdb'), 'the entry went');
    stop.abort(new AppError('CANCELLED'));
    await ended;
    expect(said).toEqual([]);
  });

  test('a folder that is not there yet is said once', async () => {
    const events = createDeviceEvents(folder, { log });
    await events.run(() => undefined, stop);
    await events.run(() => undefined, stop);
    expect(said).toEqual([expect.stringContaining('ENOENT') as string]);
  });
});
