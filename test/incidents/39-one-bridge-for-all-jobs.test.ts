// In the original, all jobs shared one bridge on port 10808: the second job killed that of the first.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { signal } from '../fixtures/appliance.ts';
import { MiB, sha256OfFirst, writeImage } from '../fixtures/disk-bytes.ts';
import { nbdcopy, type TunnelBench, tunnelBench } from '../fixtures/tunnel-bench.ts';

let bench: TunnelBench;
beforeEach(async () => {
  bench = await tunnelBench();
});
afterEach(async () => {
  await bench.remove();
});

test('each job has a tunnel of its own: a second one opens and ends while the first goes on', async () => {
  const source = join(bench.oma.folder, 'source.img');
  writeImage(source, 64 * MiB, [[0, 64 * MiB]]);
  const { disk, opened } = await bench.export('vdb', 64 * MiB);
  const first = bench.forward();
  const port = await first.port(signal());
  const copy = nbdcopy(source, `nbd://127.0.0.1:${port}/${opened.exportName}`);
  const second = bench.forward();
  expect(await second.port(signal())).not.toBe(port);
  await second.close();
  await copy;
  expect(sha256OfFirst(disk.node, 64 * MiB)).toBe(sha256OfFirst(source, 64 * MiB));
  expect(first.states.map(({ state }) => state)).toEqual(['up']);
  expect(await first.port(signal())).toBe(port);
});
