import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startDaemonProcess } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { writeSmallVm } from '../fixtures/small-vm.ts';
import { killAt, recordMoments } from './kill-matrix.ts';

/** Lanes work side by side, each with a daemon and a lab of its own. */
const lanes = 2;

describe('rule J1: the daemon is killed at every moment of a migration of three disks', () => {
  const dirs: string[] = [];
  beforeAll(() => {
    dirs.push(newDataDir());
    writeSmallVm(dirs[0] ?? '');
  });
  afterAll(async () => {
    for (const dir of dirs) {
      await (await startDaemonProcess({ dataDir: dir })).stop();
      expect(leftovers(dir)).toEqual([]);
      removeDataDir(dir);
    }
  });

  test('each time it goes on by itself, proves the copy, and asks the cloud for nothing twice', async () => {
    const [first = ''] = dirs;
    const moments = await recordMoments(first);
    console.log(`${String(moments.length)} moments, killed one by one; every fourth time the recovery is killed, too`);
    expect(moments.length).toBeGreaterThan(50);
    while (dirs.length < lanes) {
      const dir = newDataDir(first);
      writeSmallVm(dir);
      dirs.push(dir);
    }
    const work = moments.map((moment, index) => ({
      moment,
      // With three disks side by side a moment is reached three times; which of them dies takes turns.
      occurrence: /^migrate-vm\//.test(moment) ? 1 : 1 + (index % 3),
      ...(index % 4 === 3 ? { again: moments[(index * 7) % moments.length] } : {}),
    }));
    await Promise.all(
      dirs.map(async (dir) => {
        for (let next = work.shift(); next !== undefined; next = work.shift()) {
          await killAt(dir, {
            moment: next.moment,
            occurrence: next.occurrence,
            ...(next.again === undefined ? {} : { again: next.again }),
          });
        }
      }),
    );
  });
});
