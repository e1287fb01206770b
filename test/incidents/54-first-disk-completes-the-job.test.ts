// In the original, every disk ended with a report of a hundred per cent and "completed": the first one that was done completed
// the job, while the others were still being copied.
import { expect, test } from 'vitest';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate, viewsOf } from '../fixtures/steer.ts';

const own = ownDaemon({ reuse_volumes: true, parallel_transfers: 1, segment_mib: 16 }, { labSource: 'vcenter' });

test('one disk is long proved, the job still runs; it is completed when every disk is, and not before', async () => {
  // 64 and 32 MiB, one at a time.
  const job = await migrate(own.daemon, 'live-cbt-01');
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  const views = await viewsOf(own.daemon, job.id);
  const isProved = ({ target_sha256: hash }: (typeof job.disks)[number]): boolean => hash !== null;
  const halfway = views.filter(({ disks }) => disks.some(isProved) && !disks.every(isProved));
  expect(halfway.length).toBeGreaterThan(0);
  for (const view of halfway) expect(view).toMatchObject({ status: 'running', proof: null, completed_at: null });
  for (const view of views.filter(({ status }) => status === 'completed'))
    expect(view.disks.every(isProved)).toBe(true);
});
