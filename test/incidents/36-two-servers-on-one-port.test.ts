// In the original, two parts each ran an nbd-server on port 10809, and each reconfigured or ended that of the other.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { goExport } from '../../main/adapters/nbd/handshake.ts';
import { nbdServerPath, signal } from '../fixtures/appliance.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { migrate } from '../fixtures/steer.ts';

const own = ownDaemon();

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ossea-stranger-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function startStranger(port: number): Promise<number> {
  const [config, pidFile, disk] = ['conf', 'pid', 'disk'].map((name) => join(folder, name)) as [string, string, string];
  writeFileSync(disk, Buffer.alloc(4096));
  writeFileSync(config, `[generic]\nlistenaddr = 127.0.0.1\nport = ${String(port)}\n[theirs]\nexportname = ${disk}\n`);
  execFileSync(nbdServerPath(), ['-C', config, '-p', pidFile]);
  const ofStranger = { host: '127.0.0.1', port };
  await eventually(() => goExport(ofStranger, 'theirs', signal()).catch(() => null), 'the stranger listens');
  return Number(readFileSync(pidFile, 'utf8'));
}

const isServed = (port: number): Promise<boolean> =>
  goExport({ host: '127.0.0.1', port }, 'theirs', signal()).then(
    ({ sizeBytes }) => sizeBytes === 4096,
    () => false,
  );

async function endStranger(pid: number, port: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  await eventually(async () => !(await isServed(port)), 'the stranger is gone');
}

test('a foreign nbd-server has our port: the migration fails, names it, and leaves it alone; once it is gone all is well', async () => {
  const port = own.daemon.nbdPort;
  const pid = await startStranger(port);
  try {
    const job = await migrate(own.daemon, 'odd-01');
    expect(job).toMatchObject({ status: 'failed', error: { code: 'PORT_IN_USE' } });
    expect(job.error?.cause).toContain(`nbd-server (pid ${String(pid)})`);
    expect(await isServed(port)).toBe(true);
  } finally {
    await endStranger(pid, port);
  }
  expect(await migrate(own.daemon, 'odd-01')).toMatchObject({ status: 'completed', proof: 'full' });
});

test('with a foreign server on our port the daemon ends in good order all the same, and leaves it alone', async () => {
  const port = own.daemon.nbdPort;
  await own.daemon.stop();
  const pid = await startStranger(port);
  try {
    await own.start();
    expect(own.daemon.nbdPort).toBe(port);
    await own.daemon.stop();
    expect(leftovers(own.dir)).toEqual([]);
    expect(await isServed(port)).toBe(true);
  } finally {
    await endStranger(pid, port);
  }
  await own.start();
});
