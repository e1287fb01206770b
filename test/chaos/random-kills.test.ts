import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaemonProcess, startMigration, waitForMigration } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { randomFrom } from '../fixtures/random.ts';
import { realClock } from '../fixtures/real-clock.ts';
import { smallVm, writeSmallVm } from '../fixtures/small-vm.ts';
import { expectNothingTwice, forget, smallSettings } from './kill-matrix.ts';

const times = 20;
const seed = Number(process.env['OSSEA_SEED'] ?? Date.now() % 1_000_000);

/** Two lanes work side by side, each with a daemon and a lab of its own. */
const dirs: string[] = [];
beforeAll(() => {
  for (let lane = 0; lane < 2; lane += 1) {
    const dir = newDataDir();
    writeSmallVm(dir);
    dirs.push(dir);
  }
});
afterAll(async () => {
  for (const dir of dirs) {
    await (await startDaemonProcess({ dataDir: dir })).stop();
    expect(leftovers(dir)).toEqual([]);
    removeDataDir(dir);
  }
});

test(`twenty kills at random times (OSSEA_SEED=${seed}): every migration completes with proof`, async () => {
  const random = randomFrom(seed);
  const kills = Array.from({ length: times }, (_, index) => ({
    round: index + 1,
    afterMs: Math.round(random() * 4_000),
  }));
  await Promise.all(
    dirs.map(async (dir) => {
      for (let kill = kills.shift(); kill !== undefined; kill = kills.shift()) await killAfter(dir, kill);
    }),
  );
});

async function killAfter(dir: string, { round, afterMs }: { round: number; afterMs: number }): Promise<void> {
  const { signal } = new AbortController();
  let daemon = await startDaemonProcess({ dataDir: dir, settings: { ...smallSettings, rate_mib_per_second: 36 } });
  const id = await startMigration(daemon, smallVm.name);
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
