// In the original, progress was counted against the capacity of the disk, or half of it where nothing was known: a delta stood
// at one per cent until it was done, and sparse disks passed a hundred.
import { expect, test } from 'vitest';
import { startMigration, testSignal, waitForMigration } from '../fixtures/daemon-process.ts';
import { mutate } from '../fixtures/lab-disk.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate, viewsOf } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const vm = 'efi-secure-01';
const own = ownDaemon({ reuse_volumes: true, segment_mib: 8 }, { labSource: 'vcenter' });

test('the total of a delta is what changed, and what was sent reaches it and never passes it', async () => {
  await migrate(own.daemon, vm);
  await mutate(own.dir, vm, { bytes: 4 * mib, extents: 4, seed: 53 });
  const rate = (value: number | null) =>
    own.daemon.client.call('changeSettings', { body: { rate_mib_per_second: value } }, { signal: testSignal() });
  await rate(3);
  const frames: { readonly done: number; readonly total: number }[] = [];
  const following = new AbortController();
  const id = await startMigration(own.daemon, vm);
  const followed = own.daemon.client.feed(
    0,
    (message) => {
      if (message.kind !== 'progress' || message.frame.job_id !== id || message.frame.activity !== 'transfer') return;
      frames.push({ done: message.frame.bytes_done, total: message.frame.bytes_total });
    },
    { signal: following.signal },
  );
  const job = await waitForMigration(own.daemon, id);
  following.abort();
  await followed;
  await rate(null);
  expect(job).toMatchObject({ status: 'completed', proof: 'delta' });
  const changed = job.disks[0]?.bytes_changed ?? 0;
  expect(changed).toBeGreaterThan(3 * mib);
  expect(changed).toBeLessThan(8 * mib);
  expect(job).toMatchObject({ bytes_total: changed, bytes_copied: changed });
  expect(frames.length).toBeGreaterThan(0);
  for (const { done, total } of frames) {
    expect(total).toBe(changed);
    expect(done).toBeLessThanOrEqual(changed);
  }
  for (const { bytes_copied: copied, bytes_total: total } of await viewsOf(own.daemon, id)) {
    expect(copied).toBeLessThanOrEqual(Math.max(total, 0));
  }
});
