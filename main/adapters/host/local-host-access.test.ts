import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import { createLocalHostAccess } from './local-host-access.ts';

const options = () => ({ signal: AbortSignal.timeout(30_000) });

describe('the device tree of an appliance', () => {
  let root: string;
  let ticks: number;
  const clock: Clock = {
    now: () => new Date().toISOString(),
    monotonicMs: () => performance.now(),
    sleep: async (ms, { signal }) => {
      ticks += 1;
      await delay(ms, undefined, { signal }).catch(() => {
        throw signal.reason;
      });
    },
  };
  beforeEach(() => {
    ticks = 0;
    root = mkdtempSync(join(tmpdir(), 'ossea-host-'));
    mkdirSync(join(root, 'proc/sys/kernel/random'), { recursive: true });
    mkdirSync(join(root, 'sys/block'), { recursive: true });
    writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'boot-1\n');
  });
  afterEach(() => {
    rmSync(root, { recursive: true, force: true });
  });

  const entry = (name: string, attributes: Readonly<Record<string, string | Buffer>>) => {
    for (const [path, value] of Object.entries(attributes)) {
      mkdirSync(join(root, 'sys/block', name, path, '..'), { recursive: true });
      writeFileSync(join(root, 'sys/block', name, path), value);
    }
  };
  const host = () => createLocalHostAccess({ root, hostId: 'oma-1', clock });

  test('virtio and SCSI serials, size in bytes, holders of disk and partition, no diskseq on old kernels', async () => {
    entry('vdb', { dev: '253:16\n', size: '2048\n', diskseq: '12\n', serial: '0123456789abcdef0123\n' });
    entry('sdc', {
      dev: '8:32\n',
      size: '4096\n',
      'device/vpd_pg80': Buffer.from('\0\x80\0\x14fedcba98765432100123', 'latin1'),
      'sdc1/partition': '1\n',
      'sdc1/dev': '8:33\n',
      'sdc1/holders/dm-0': '',
      'holders/md127': '',
    });
    const { bootId, devices } = await host().snapshot(options());
    expect(bootId).toBe('boot-1');
    expect(devices).toEqual([
      {
        name: 'sdc',
        path: '/dev/sdc',
        dev: '8:32',
        sizeBytes: 2 * 1024 * 1024,
        diskseq: null,
        serial: 'fedcba98765432100123',
        holders: ['md127', 'dm-0'],
      },
      {
        name: 'vdb',
        path: '/dev/vdb',
        dev: '253:16',
        sizeBytes: 1024 * 1024,
        diskseq: '12',
        serial: '0123456789abcdef0123',
        holders: [],
      },
    ]);
  });

  test('half an entry that stays is HOST_UNREADABLE, not a device less', async () => {
    entry('vdb', { size: '2048\n' });
    await expect(host().snapshot(options())).rejects.toMatchObject({ code: 'HOST_UNREADABLE' });
  });

  test('no boot id is HOST_UNREADABLE', async () => {
    rmSync(join(root, 'proc'), { recursive: true });
    await expect(host().snapshot(options())).rejects.toMatchObject({ code: 'HOST_UNREADABLE' });
  });

  test('the machine this runs on can be read as it is', async () => {
    const { bootId } = await createLocalHostAccess({ root: '/', hostId: 'here', clock }).snapshot(options());
    expect(bootId).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a change is hinted, and an abort ends the wait with its reason', async () => {
    const hint = host().changed(options());
    entry('vdb', { dev: '253:16\n', size: '2048\n' });
    await hint;
    expect(ticks).toBe(1);
    const cancel = new AbortController();
    const wait = host().changed({ signal: cancel.signal });
    cancel.abort(new AppError('CANCELLED', 'by the test'));
    await expect(wait).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
