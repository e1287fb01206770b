import { execFile, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DaemonProcess, osseaPath, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';

const run = promisify(execFile);

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const ossea = (...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [osseaPath, ...args], { encoding: 'utf8' });
  return { status, stdout, stderr };
};

test('a second daemon on the same data directory is refused and the first goes on', async () => {
  const second = ossea('serve', '--lab', '--port', '0', '--json', '--data-dir', dir);
  expect(second.status).toBe(3);
  expect(JSON.parse(second.stdout)).toMatchObject({ code: 'DATA_DIR_IN_USE' });
  const health = await daemon.client.call('getHealth', {}, { signal: testSignal() });
  expect(health).toMatchObject({
    status: 'healthy',
    lab: true,
    cloudstack_health: 'healthy',
    device_monitor: 'healthy',
  });
});

test('two daemons started at the same moment on one data directory: exactly one works', async () => {
  const shared = newDataDir(dir);
  const starts = await Promise.allSettled([1, 2].map(() => startDaemonProcess({ dataDir: shared })));
  const [winner, ...others] = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  expect(others).toEqual([]);
  expect(winner).toBeDefined();
  expect(String(starts.find((start) => start.status === 'rejected')?.reason)).toContain('DATA_DIR_IN_USE');
  await winner?.stop();
  expect(leftovers(shared)).toEqual([]);
  removeDataDir(shared);
});

test('a taken port is named and never replaced by another', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const other = newDataDir(dir);
  const started = await run(process.execPath, [
    osseaPath,
    'serve',
    '--port',
    String(address.port),
    '--json',
    '--data-dir',
    other,
  ]).then(
    () => null,
    (error: unknown) => error as { code: number; stdout: string },
  );
  expect(started?.code).toBe(3);
  expect(JSON.parse(started?.stdout ?? '')).toMatchObject({ code: 'PORT_IN_USE', details: { port: address.port } });
  holder.close();
  removeDataDir(other);
});

test('a data directory of the demo environment stays one', () => {
  const shown = ossea('jobs', '--data-dir', '/nonexistent', '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({ code: 'DAEMON_UNREACHABLE' });
});

test('wrong usage is told with exit code 2, an empty HOME asks for --data-dir', () => {
  expect(ossea('lab', 'migrate').status).toBe(2);
  expect(ossea('fly').status).toBe(2);
  const homeless = spawnSync(process.execPath, [osseaPath, 'serve', '--json'], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], HOME: '' },
  });
  expect(homeless.status).toBe(2);
  expect(JSON.parse(homeless.stdout)).toMatchObject({ code: 'INVALID_REQUEST' });
});
