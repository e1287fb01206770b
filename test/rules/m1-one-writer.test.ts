import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { isAlive, openDescriptors, pidsNow, processState } from '../../main/adapters/processes/proc.ts';
import type { GateProof } from '../../main/ports/mover.ts';
import { AppError } from '../../shared/errors.ts';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { bundleProgram, MiB, sha256OfFirst, writeImage } from '../fixtures/disk-bytes.ts';
import { eventually } from '../fixtures/real-clock.ts';

const sizeBytes = 32 * MiB;

describe.each(deviceKinds)('M1: one writer on a device (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  const ready = async () => {
    oma = await buildAppliance(kind);
    const source = join(oma.folder, 'source.img');
    writeImage(source, sizeBytes, [[0, sizeBytes]]);
    const disk = oma.attach('vdb', sizeBytes);
    const mapping = await oma.map(disk);
    const target = await oma.exports.ensureOpen(mapping, signal());
    const request = (attempt: number, onGate: (proof: GateProof) => void) => ({
      source: { path: source, format: 'raw' as const },
      sourceBytes: sizeBytes,
      target,
      mapping,
      extents: [{ offset: 0, length: sizeBytes }],
      attempt,
      onGate,
    });
    return { disk, mapping, source, request };
  };

  const serverWriters = (dev: string): number =>
    pidsNow().filter(
      (pid) =>
        processState(pid)?.comm === 'nbd-server' &&
        openDescriptors(pid).some((open) => open.dev === dev && open.writable),
    ).length;

  test('a second mover is refused and the first is not disturbed; /proc never shows two writers', async () => {
    const { disk, source, request } = await ready();
    let gates = 0;
    const state = { running: true };
    const mover = oma.mover({ rateBytesPerSecond: 8 * MiB });
    const first = mover
      .copySegment(
        request(1, () => {
          gates += 1;
        }),
        signal(),
      )
      .finally(() => {
        state.running = false;
      });
    await eventually(() => gates === 1 || !state.running, 'the first copies');
    let most = 0;
    let samples = 0;
    const sampling = (async () => {
      while (state.running) {
        most = Math.max(most, serverWriters(disk.dev));
        samples += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    for (const attempt of [2, 3, 4]) {
      await expect(
        oma.mover().copySegment(
          request(attempt, () => {
            gates += 1;
          }),
          signal(),
        ),
      ).rejects.toMatchObject({
        code: 'MOVER_FAILED',
        details: { locked: true },
      });
    }
    await first;
    await sampling;
    expect({ gates, most }).toEqual({ gates: 1, most: 1 });
    expect(samples).toBeGreaterThan(1);
    expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(source, sizeBytes));
  });

  test('a cancelled copy leaves no process, and the next attempt completes', async () => {
    const { disk, source, request } = await ready();
    const cancel = new AbortController();
    let proof: GateProof | null = null;
    const copy = oma.mover({ rateBytesPerSecond: MiB }).copySegment(
      request(1, (found) => {
        proof = found;
        cancel.abort(new AppError('CANCELLED', 'by the test'));
      }),
      { signal: cancel.signal },
    );
    await expect(copy).rejects.toMatchObject({ code: 'CANCELLED' });
    const { moverPid, sourcePid, connections } = proof as unknown as GateProof;
    const pids = [moverPid, sourcePid, ...connections.map(({ serverPid }) => serverPid)];
    expect(pids.filter(isAlive)).toEqual([]);
    expect(serverWriters(disk.dev)).toBe(0);
    await oma.mover().copySegment(
      request(2, () => undefined),
      signal(),
    );
    expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(source, sizeBytes));
  });

  test.each(['nbdcopy', 'nbdkit', 'nbd-server child'])(
    'kill -9 of the %s is an error, never a success',
    async (victim) => {
      const { request, source, disk } = await ready();
      const copy = oma.mover({ rateBytesPerSecond: 4 * MiB }).copySegment(
        request(1, ({ moverPid, sourcePid, connections }) => {
          const server = connections[0]?.serverPid ?? 0;
          const pid = victim === 'nbdcopy' ? moverPid : victim === 'nbdkit' ? sourcePid : server;
          process.kill(pid, 'SIGKILL');
        }),
        signal(),
      );
      await expect(copy).rejects.toMatchObject({ code: 'MOVER_FAILED' });
      expect(serverWriters(disk.dev)).toBe(0);
      await oma.mover().copySegment(
        request(2, () => undefined),
        signal(),
      );
      expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(source, sizeBytes));
    },
  );

  test.each([
    ['while bytes flow', false],
    ['before the gate opens', true],
  ])('kill -9 of the daemon %s takes the mover with it; the server stays and is taken over', async (_, gateShut) => {
    const { disk, mapping, source, request } = await ready();
    const daemon = spawn(
      process.execPath,
      [bundleProgram('test/fixtures/slow-daemon.ts', join(oma.folder, 'slow-daemon.mjs'))],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          SLOW_DAEMON: JSON.stringify({
            root: oma.root,
            stateDir: oma.stateDir,
            port: oma.exports.port,
            source,
            sizeBytes,
            mapping,
            gateShut,
          }),
        },
      },
    );
    const line = await new Promise<string>((resolve) =>
      daemon.stdout.once('data', (text: Buffer) => {
        resolve(text.toString());
      }),
    );
    const { moverPid, sourcePid } = JSON.parse(line) as GateProof;
    expect([moverPid, sourcePid].every(isAlive)).toBe(true);
    const server = await oma.exports.serverPid();
    process.kill(daemon.pid ?? 0, 'SIGKILL');
    await eventually(() => ![moverPid, sourcePid].some(isAlive), 'the mover is gone');
    expect(await oma.exports.serverPid()).toBe(server);
    await oma.mover().copySegment(
      request(2, () => undefined),
      signal(),
    );
    expect(sha256OfFirst(disk.node, sizeBytes)).toBe(sha256OfFirst(source, sizeBytes));
  });
});
