import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { createBandwidth } from '../../main/adapters/movers/bandwidth.ts';
import { createNbdcopyMover } from '../../main/adapters/movers/nbdcopy.ts';
import type { HostAccess } from '../../main/ports/host-access.ts';
import { type Appliance, allocatedBytes, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB, writeImage } from '../fixtures/disk-bytes.ts';
import { noDatastores } from '../fixtures/no-datastores.ts';
import { noLog } from '../fixtures/no-log.ts';
import { realClock } from '../fixtures/real-clock.ts';

describe.each(deviceKinds)('D4: nothing is written through a shut gate (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  const ready = async () => {
    oma = await buildAppliance(kind);
    const source = join(oma.folder, 'source.img');
    writeImage(source, 8 * MiB, [[0, 8 * MiB]]);
    const disk = oma.attach('vdb', 8 * MiB);
    const other = oma.attach('vdc', 8 * MiB);
    const mapping = await oma.map(disk);
    const target = await oma.exports.ensureOpen(mapping, signal());
    let gates = 0;
    const request = {
      source: { path: source, format: 'raw' as const },
      sourceBytes: 8 * MiB,
      target,
      mapping,
      extents: [{ offset: 0, length: 8 * MiB }],
      attempt: 1,
      onGate: () => {
        gates += 1;
      },
    };
    return { disk, other, request, gatesOpened: () => gates };
  };

  /** Runs the adversary at the moment when nbdcopy is connected and the device tree is read for the gate. */
  const moverWith = (adversary: () => void) => {
    const hostAccess: HostAccess = {
      ...oma.hostAccess,
      snapshot: async (options) => {
        adversary();
        return await oma.hostAccess.snapshot(options);
      },
    };
    return createNbdcopyMover({
      stateDir: oma.stateDir,
      bandwidth: createBandwidth({ limits: () => ({ link: null, host: null }), log: noLog }),
      hostAccess,
      exports: oma.exports,
      clock: realClock,
      datastores: noDatastores,
    });
  };

  const expectUntouched = async (...paths: string[]) => {
    execFileSync('sync', paths);
    for (const path of paths) expect(allocatedBytes(path)).toBe(0);
    expect(await oma.exports.clients()).toEqual([]);
  };

  test('disks exchanged between connect and gate', async () => {
    const { disk, other, request, gatesOpened } = await ready();
    const copy = moverWith(() => {
      oma.swap(disk, other);
    }).copySegment(request, signal());
    await expect(copy).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
    expect(gatesOpened()).toBe(0);
    await expectUntouched(disk.backingPath, other.backingPath);
  });

  test.each([
    [
      'boot id',
      (root: string) => {
        writeFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'another\n');
      },
    ],
    [
      'diskseq',
      (root: string) => {
        writeFileSync(join(root, 'sys/block/vdb/diskseq'), '99\n');
      },
    ],
    [
      'serial',
      (root: string) => {
        writeFileSync(join(root, 'sys/block/vdb/serial'), 'ffffffffffffffffffff\n');
      },
    ],
    [
      'size',
      (root: string) => {
        writeFileSync(join(root, 'sys/block/vdb/size'), '8\n');
      },
    ],
  ])('another %s between connect and gate', async (_, change) => {
    const { disk, request, gatesOpened } = await ready();
    const copy = moverWith(() => {
      change(oma.root);
    }).copySegment(request, signal());
    await expect(copy).rejects.toMatchObject({ code: 'DEVICE_CHANGED' });
    expect(gatesOpened()).toBe(0);
    await expectUntouched(disk.backingPath);
  });

  test('the server opened another device although prerun said yes', async () => {
    const { disk, other, request, gatesOpened } = await ready();
    // Stands for a swap after prerun and before open, which no script can see.
    writeFileSync(join(oma.stateDir, 'prerun.sh'), '#!/bin/sh\nexit 0\n');
    execFileSync('ln', ['-sfn', other.node, join(oma.root, 'dev/vdb')]);
    const copy = oma.mover().copySegment(request, signal());
    await expect(copy).rejects.toMatchObject({ code: 'DEVICE_CHANGED', details: { expected: disk.dev } });
    expect(gatesOpened()).toBe(0);
    await expectUntouched(disk.backingPath, other.backingPath);
  });

  test('the right device: one gate, its proof names the server process and the device', async () => {
    const { disk, request, gatesOpened } = await ready();
    const { gate } = await oma.mover().copySegment(request, signal());
    expect(gatesOpened()).toBe(1);
    expect(gate.connections).toMatchObject([{ dev: disk.dev }]);
  });
});
