import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commandLine, isAlive, killProcess } from '../../../main/adapters/processes/proc.ts';
import { openSshForward } from '../../../main/adapters/tunnel/ssh-forward.ts';
import { freePort } from '../../../main/composition/free-port.ts';
import { signal } from '../../fixtures/appliance.ts';
import { MiB, sha256OfFirst, writeImage } from '../../fixtures/disk-bytes.ts';
import { eventually, realClock } from '../../fixtures/real-clock.ts';
import { isDown, nbdcopy, type TunnelBench, tunnelBench, type Watched } from '../../fixtures/tunnel-bench.ts';

let bench: TunnelBench;
beforeEach(async () => {
  bench = await tunnelBench();
});
afterEach(async () => {
  await bench.remove();
});

const sshOf = (tunnel: Watched): number => {
  const state = tunnel.now();
  if (state?.state !== 'up') throw new Error('the tunnel is not up');
  return state.pid;
};

async function copyThrough(tunnel: Watched, name: string): Promise<void> {
  const source = join(bench.oma.folder, `${name}-source.img`);
  writeImage(source, 32 * MiB, [
    [0, 9 * MiB],
    [20 * MiB + 512, 3 * MiB],
  ]);
  const { disk, opened } = await bench.export(name, 32 * MiB);
  await nbdcopy(source, `nbd://127.0.0.1:${await tunnel.port(signal())}/${opened.exportName}`);
  expect(sha256OfFirst(disk.node, 32 * MiB)).toBe(sha256OfFirst(source, 32 * MiB));
}

test('a disk goes through it into our nbd-server, identical; no secret is an argument, and closing ends ssh', async () => {
  await bench.export('vda', MiB);
  const tunnel = bench.forward();
  await copyThrough(tunnel, 'vdb');
  const pid = sshOf(tunnel);
  const words = commandLine(pid).join(' ');
  expect(words).toContain('StrictHostKeyChecking=yes');
  expect(words).not.toMatch(/PRIVATE KEY|password/i);
  await tunnel.close();
  expect(isAlive(pid)).toBe(false);
  await expect(tunnel.port(signal())).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('kill -9 of ssh in mid-copy: the copy fails, the loss is told with its cause, and the next copy goes through', async () => {
  const { opened } = await bench.export('vda', 64 * MiB);
  const tunnel = bench.forward();
  const port = await tunnel.port(signal());
  // A source that never comes to its end: the copy is under way for certain.
  const target = `nbd://127.0.0.1:${port}/${opened.exportName}`;
  const endless = spawn('nbdcopy', [
    '--',
    '[',
    'nbdkit',
    '--exit-with-parent',
    '--filter=delay',
    'pattern',
    '64M',
    'rdelay=1',
    ']',
    target,
  ]);
  const failed = new Promise<number | null>((resolve) => endless.once('exit', resolve));
  await eventually(async () => (await bench.oma.exports.clients()).length > 0, 'the copy is connected');
  process.kill(sshOf(tunnel), 'SIGKILL');
  expect(await failed).not.toBe(0);
  expect(await isDown(tunnel)).toMatchObject({ error: { code: 'TUNNEL_LOST', reason: 'ssh ended: SIGKILL.' } });
  await copyThrough(tunnel, 'vdb');
});

test('the other side ends the session: the words of ssh are the cause, and it comes back by itself', async () => {
  await bench.export('vda', MiB);
  const tunnel = bench.forward();
  await tunnel.port(signal());
  for (const pid of bench.sshd.sessions()) killProcess(pid);
  const down = await isDown(tunnel);
  expect(down).toMatchObject({ error: { code: 'TUNNEL_LOST' } });
  expect(down.state === 'down' ? down.error.reason : '').toMatch(/closed|reset|Broken pipe/i);
  await copyThrough(tunnel, 'vdb');
});

test('sshd is not there at first: who asks for the port waits until it is', async () => {
  await bench.export('vda', MiB);
  await bench.sshd.stop();
  const tunnel = bench.forward();
  expect(await isDown(tunnel)).toMatchObject({
    error: { reason: expect.stringContaining('Connection refused') as string },
  });
  const asked = tunnel.port(signal());
  await bench.sshd.start();
  expect(await asked).toBeGreaterThan(0);
});

describe('what only a person can mend is told at once', () => {
  test('another host key: nothing is sent, and it is not accepted by itself', async () => {
    await bench.export('vda', MiB);
    await bench.sshd.changeHostKey();
    const tunnel = bench.forward();
    await expect(tunnel.port(signal())).rejects.toMatchObject({
      code: 'TUNNEL_HOST_KEY',
      reason: expect.stringContaining('Host key verification failed') as string,
    });
    expect(bench.sshd.sessions()).toEqual([]);
  });

  test('a key that is not known there', async () => {
    await bench.export('vda', MiB);
    bench.sshd.permit(null);
    const tunnel = bench.forward();
    await expect(tunnel.port(signal())).rejects.toMatchObject({
      code: 'TUNNEL_KEY_REFUSED',
      reason: expect.stringContaining('Permission denied') as string,
    });
    bench.sshd.permit([bench.oma.exports.port]);
    await eventually(() => tunnel.now()?.state === 'up', 'it opens once the key is known');
  });

  test('a key that may not reach the NBD server', async () => {
    await bench.export('vda', MiB);
    bench.sshd.permit([await freePort()]);
    const tunnel = bench.forward();
    await expect(tunnel.port(signal())).rejects.toMatchObject({ code: 'TUNNEL_FORWARD_REFUSED' });
  });
});

test('a local port that somebody took meanwhile is left to him, and another one is used', async () => {
  await bench.export('vda', MiB);
  const stranger = createServer();
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  const address = stranger.address();
  const taken = typeof address === 'object' && address !== null ? address.port : 0;
  const offers = [taken];
  const tunnel = bench.forward({ freePort: async () => offers.shift() ?? (await freePort()) });
  const port = await tunnel.port(signal());
  expect(port).not.toBe(taken);
  expect(stranger.listening).toBe(true);
  await new Promise((resolve) => stranger.close(resolve));
});

test('who asks for the port may stop asking', async () => {
  await bench.sshd.stop();
  const asking = new AbortController();
  const asked = bench.forward().port({ signal: asking.signal });
  asking.abort(new Error('enough'));
  await expect(asked).rejects.toThrow('enough');
});

test('names that ssh would take for options, and paths that it would read otherwise, are refused', async () => {
  for (const wrong of [{ host: '-oProxyCommand=id' }, { user: 'a b' }, { knownHostsFile: '/tmp/%h' }]) {
    const link = { ...bench.sshd.link, ...wrong };
    const stateDir = join(bench.oma.folder, 'refused');
    const target = { host: '127.0.0.1', port: 1 };
    const tunnel = openSshForward({ stateDir, link, target, clock: realClock, freePort });
    await expect(tunnel.port(signal())).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
    await tunnel.close();
  }
});
