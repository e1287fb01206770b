// In the original, two parts sent SIGHUP for one change: that corrupts the heap of nbd-server 3.24, and connections die.
import { afterEach, expect, test } from 'vitest';
import { type Appliance, buildAppliance, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

let oma: Appliance;
afterEach(async () => {
  await oma.remove();
});

test('a change that two ask for at once is one new server, and it serves', async () => {
  oma = await buildAppliance('file');
  const { port, exportName } = await oma.exports.ensureOpen(await oma.map(oma.attach('vdb', MiB)), signal());
  const second = await oma.map(oma.attach('vdc', MiB));
  for (const change of [oma.exports.ensureOpen, oma.exports.close] as const) {
    const seen = new Set([await oma.exports.serverPid()]);
    const state = { changing: true };
    const both = Promise.all([change(second, signal()), change(second, signal())]).finally(() => {
      state.changing = false;
    });
    while (state.changing) {
      seen.add(await oma.exports.serverPid());
      await new Promise((resolve) => setImmediate(resolve));
    }
    await both;
    seen.add(await oma.exports.serverPid());
    seen.delete(null);
    expect(seen.size).toBe(2);
    const writer = await openWriter(port, exportName);
    expect(await writer.write(0, Buffer.alloc(512, 1))).toBe(true);
    writer.end();
  }
});
