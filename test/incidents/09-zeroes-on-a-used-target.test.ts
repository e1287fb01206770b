// In the original, a block that is zero at the source was skipped, also on a volume that held something else there.
import { expect, test } from 'vitest';
import { mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const vm = 'efi-secure-01';
const own = ownDaemon({ reuse_volumes: true }, { labSource: 'vcenter' });

test.each([
  ['a full copy', { full: true }, 'full'],
  ['a delta', {}, 'delta'],
])(
  'what became zero at the source becomes zero on the volume that it was copied to before: %s',
  async (_what, how, mode) => {
    const pieces = { bytes: 4 * mib, extents: 3, seed: 9 };
    await mutate(own.dir, vm, pieces);
    const before = await migrate(own.daemon, vm);
    await mutate(own.dir, vm, { ...pieces, zero: true });
    const job = await migrate(own.daemon, vm, how);
    expect(job).toMatchObject({ status: 'completed', error: null });
    expect(job.disks[0]).toMatchObject({ mode, reused: true, volume_id: before.disks[0]?.volume_id });
    const [ends] = readLabEnds(own.dir, job);
    expect(ends).toMatchObject({ target: ends?.source, tailIsZero: true });
  },
);
