// In the original, restarts left several nbd-server processes behind, and which of them answered was chance.
import { afterEach, expect, test } from 'vitest';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';
import { eventually } from '../fixtures/real-clock.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

const servers = (): number[] => processesUsing(oma.stateDir, 'nbd-server').map(({ pid }) => pid);

test('exports come and go at once, a client stays, the daemon is another: one server, and one process for the client', async () => {
  oma = await buildAppliance('file');
  const kept = await oma.map(oma.attach('vdb', MiB));
  const { port, exportName } = await oma.exports.ensureOpen(kept, signal());
  const writer = await openWriter(port, exportName);
  const others = await Promise.all(['vdc', 'vdd', 'vde'].map((name) => oma.map(oma.attach(name, MiB))));
  await Promise.all(others.map((mapping) => oma.exports.ensureOpen(mapping, signal())));
  await Promise.all(others.map((mapping) => oma.exports.close(mapping, signal())));

  const successor = oma.secondDaemon();
  await successor.ensureOpen(kept, signal());
  const [client] = await successor.clients();
  const expected = [await successor.serverPid(), client?.pid].sort();
  // Children that only shook hands end a moment later.
  await eventually(() => servers().length === 2, 'a server and a client');
  expect(servers().sort()).toEqual(expected);
  expect(await writer.write(0, Buffer.alloc(512, 1))).toBe(true);
  writer.end();
});
