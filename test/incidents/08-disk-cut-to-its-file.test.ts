// In the original, the size of a disk was looked up among the files of its VM by the wrong key; had it ever been found, copies
// would have ended at the size of a file, which for a thin disk is less than the disk.
import { statSync } from 'node:fs';
import { expect, test } from 'vitest';
import { writeOneDiskVm } from '../fixtures/one-disk-vm.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const own = ownDaemon();

test('a disk whose file is far smaller than the disk is copied to its last byte', async () => {
  const name = 'thin';
  const sizeBytes = 64 * mib;
  const bytes = Buffer.from('the last words of the disk');
  const raw = writeOneDiskVm(own.dir, {
    ...{ name, sizeBytes, format: 'qcow2' },
    pieces: [{ offset: sizeBytes - bytes.length, bytes }],
  });
  expect(statSync(raw.replace('.raw', '.qcow2')).size).toBeLessThan(mib);
  const job = await migrate(own.daemon, name);
  expect(job).toMatchObject({ status: 'completed', proof: 'full', error: null });
  expect(job.disks[0]).toMatchObject({ capacity_bytes: sizeBytes });
  const [ends] = readBothEnds(own.dir, job);
  expect(ends).toMatchObject({ target: ends?.source, tailIsZero: true });
});
