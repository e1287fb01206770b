import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB, sha256OfFirst, writeImage } from '../fixtures/disk-bytes.ts';
import { eventually } from '../fixtures/real-clock.ts';

describe.each(deviceKinds)('N1: exports come and go while a copy runs (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  test('20 reloads leave a running copy whole, although somebody sits on an idle connection', async () => {
    oma = await buildAppliance(kind);
    const source = join(oma.folder, 'source.img');
    const sizeBytes = 64 * MiB;
    writeImage(source, sizeBytes, [[0, sizeBytes]]);
    const mapping = await oma.map(oma.attach('vdb', sizeBytes));
    const target = await oma.exports.ensureOpen(mapping, signal());
    const other = await oma.map(oma.attach('vdc', 8 * MiB));

    let sourcePid = 0;
    const state = { done: false };
    let reloadsDuringCopy = 0;
    const copy = oma
      .mover({ rateBytesPerSecond: 16 * MiB })
      .copySegment(
        {
          source: { path: source, format: 'raw' },
          sourceBytes: sizeBytes,
          target,
          mapping,
          extents: [{ offset: 0, length: sizeBytes }],
          attempt: 1,
          onGate: (proof) => {
            sourcePid = proof.sourcePid;
          },
          // Bytes must still flow after the last reload, however slow this machine is.
          onProgress: (bytes) => {
            if (bytes > sizeBytes / 2 && reloadsDuringCopy < 20) process.kill(sourcePid, 'SIGSTOP');
          },
        },
        signal(),
      )
      .finally(() => {
        state.done = true;
      });
    await eventually(() => sourcePid !== 0 || state.done, 'the gate opens');

    const pids = new Set<number | null>();
    for (let round = 0; round < 10; round += 1) {
      // An idle connection: its server child negotiates for ever and holds the listening socket.
      const idle = connect({ host: '127.0.0.1', port: target.port });
      await new Promise((resolve) => idle.once('data', resolve));
      const cut = new Promise((resolve) => idle.once('close', resolve));
      idle.on('error', () => undefined);
      await oma.exports.ensureOpen(other, signal());
      pids.add(await oma.exports.serverPid());
      await oma.exports.close(other, signal());
      pids.add(await oma.exports.serverPid());
      await cut;
      if (!state.done) reloadsDuringCopy += 2;
    }
    process.kill(sourcePid, 'SIGCONT');
    const result = await copy;
    expect(reloadsDuringCopy).toBe(20);
    expect(pids.size).toBe(20);
    expect(pids).not.toContain(null);
    expect(result.bytesWritten).toBe(sizeBytes);
    await oma.exports.close(mapping, signal());
    expect(sha256OfFirst(mapping.device.path.replace('/dev', `${oma.root}/dev`), sizeBytes)).toBe(
      sha256OfFirst(source, sizeBytes),
    );
  });

  test('20 exports opened at once need few reloads, and all are served', async () => {
    oma = await buildAppliance(kind);
    const mappings = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => await oma.map(oma.attach(`vd${index}`, MiB))),
    );
    const seen = new Set<number>();
    const state = { opening: true };
    const watching = (async () => {
      while (state.opening) {
        const pid = await oma.exports.serverPid();
        if (pid !== null) seen.add(pid);
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await Promise.all(mappings.map((mapping) => oma.exports.ensureOpen(mapping, signal())));
    state.opening = false;
    await watching;
    expect(await oma.exports.listed()).toHaveLength(20);
    expect(seen.size).toBeLessThanOrEqual(3);
  });

  test('a daemon that died is followed by one that takes the server over, and drops what is stale', async () => {
    oma = await buildAppliance(kind);
    const kept = await oma.map(oma.attach('vdb', MiB));
    const stale = oma.attach('vdc', MiB);
    const other = oma.attach('vdd', MiB);
    await oma.exports.ensureOpen(kept, signal());
    await oma.exports.ensureOpen(await oma.map(stale), signal());
    oma.swap(stale, other);
    const next = oma.secondDaemon();
    expect(await next.serverPid()).toBe(await oma.exports.serverPid());
    await next.ensureOpen(kept, signal());
    expect(await next.listed()).toEqual([`migration-vol-${kept.volumeId}`]);
  });

  test('movers that start while the server is being replaced are let in after it', async () => {
    oma = await buildAppliance(kind);
    const source = join(oma.folder, 'source.img');
    writeImage(source, MiB, [[0, MiB]]);
    const mapping = await oma.map(oma.attach('vdb', MiB));
    const other = await oma.map(oma.attach('vdc', MiB));
    const target = await oma.exports.ensureOpen(mapping, signal());
    const state = { copying: true };
    const reloading = (async () => {
      while (state.copying) {
        await oma.exports.ensureOpen(other, signal());
        await oma.exports.close(other, signal());
      }
    })();
    const extents = [{ offset: 0, length: MiB }];
    const image = { path: source, format: 'raw' as const };
    try {
      for (let attempt = 1; attempt <= 8; attempt += 1) {
        const request = { source: image, sourceBytes: MiB, target, mapping, extents, attempt };
        await oma.mover().copySegment(request, signal());
      }
    } finally {
      state.copying = false;
      await reloading;
    }
    expect(sha256OfFirst(mapping.device.path.replace('/dev', `${oma.root}/dev`), MiB)).toBe(sha256OfFirst(source, MiB));
  });
});
