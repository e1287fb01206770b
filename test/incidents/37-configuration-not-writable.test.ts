// In the original, the export file was not writable for the daemon's user: exports were missing and nothing said why.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate, resume } from '../fixtures/steer.ts';

const own = ownDaemon({}, { asNobody: true });

test('it is held, with the file and the reason named, and not a byte is sent; once it is writable, it goes on', async () => {
  const folder = join(own.dir, 'nbd');
  chmodSync(folder, 0o500);
  const held = await migrate(own.daemon, 'odd-01');
  chmodSync(folder, 0o700);
  expect(held).toMatchObject({ status: 'held', bytes_copied: 0, proof: null });
  expect(held.reason).toMatch(/permission denied/);
  expect(held.error?.cause).toContain(folder);
  expect(await resume(own.daemon, held.id)).toMatchObject({ status: 'completed', proof: 'full', error: null });
});
