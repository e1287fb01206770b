import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaemonProcess, startMigration, waitForMigration } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { realClock } from '../fixtures/real-clock.ts';
import { smallVm, writeSmallVm } from '../fixtures/small-vm.ts';
import { expectNothingTwice, forget, smallSettings } from './kill-matrix.ts';

const times = 20;
const seed = Number(process.env['OSSEA_SEED'] ?? Date.now() % 1_000_000);

/** Mulberry32: small, and the same everywhere for one seed. */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

let dir: string;
beforeAll(() => {
  dir = newDataDir();
  writeSmallVm(dir);
});
afterAll(async () => {
  await (await startDaemonProcess({ dataDir: dir })).stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

test(`twenty kills at random times (OSSEA_SEED=${seed}): every migration completes with proof`, async () => {
  const random = randomFrom(seed);
  const { signal } = new AbortController();
  for (let round = 1; round <= times; round += 1) {
    let daemon = await startDaemonProcess({ dataDir: dir, settings: { ...smallSettings, rate_mib_per_second: 12 } });
    const id = await startMigration(daemon, smallVm.name);
    const afterMs = Math.round(random() * 4_000);
    await realClock.sleep(afterMs, { signal });
    await daemon.kill('SIGKILL');
    daemon = await startDaemonProcess({ dataDir: dir });
    const job = await waitForMigration(daemon, id);
    const about = `round ${round}, killed after ${afterMs} ms, seed ${seed}`;
    expect(job.error, about).toBeNull();
    expect(job, about).toMatchObject({ status: 'completed', proof: 'full' });
    await expectNothingTwice(dir, job, about);
    for (const ends of readBothEnds(dir, job)) expect(ends.source, about).toBe(ends.target);
    await daemon.kill('SIGKILL');
    forget(dir, job);
  }
});
