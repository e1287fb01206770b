// In the original, a chunk was looked at in five places of 8 KiB, and written as zero when those were zero: what lay between
// them was lost, and nobody was told.
import { expect, test } from 'vitest';
import { writeOneDiskVm, writePieces } from '../fixtures/one-disk-vm.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const own = ownDaemon({ reuse_volumes: true });

test('one byte in the middle of a zero MiB arrives, on a blank volume and over an older copy', async () => {
  const name = 'one-byte';
  const offset = 6 * mib + mib / 2 + 1;
  const raw = writeOneDiskVm(own.dir, {
    ...{ name, sizeBytes: 16 * mib, format: 'raw' },
    pieces: [{ offset, bytes: Buffer.from([1]) }],
  });
  for (const place of [offset, offset + 4 * mib]) {
    writePieces(raw, [{ offset: place, bytes: Buffer.from([7]) }]);
    const job = await migrate(own.daemon, name);
    expect(job).toMatchObject({ status: 'completed', proof: 'full', error: null });
    const [ends] = readBothEnds(own.dir, job);
    expect(ends).toMatchObject({ target: ends?.source, tailIsZero: true });
  }
});
