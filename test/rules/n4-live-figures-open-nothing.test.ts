import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type Appliance, buildAppliance, deviceKinds, signal } from '../fixtures/appliance.ts';
import { MiB } from '../fixtures/disk-bytes.ts';
import { openWriter } from '../fixtures/nbd-writer.ts';

describe.each(deviceKinds)('N4: looking at exports opens none of them (%s)', (kind) => {
  let oma: Appliance;
  afterEach(async () => {
    await oma.remove();
  });

  test('clients, list and pid come from /proc and the file; prerun, which runs at every opening, does not run', async () => {
    oma = await buildAppliance(kind);
    const mapping = await oma.map(oma.attach('vdb', 8 * MiB));
    const opened = await oma.exports.ensureOpen(mapping, signal());
    const prerunPath = join(oma.stateDir, 'prerun.sh');
    const log = join(oma.folder, 'openings');
    writeFileSync(log, '');
    const script = readFileSync(prerunPath, 'utf8');
    writeFileSync(prerunPath, script.replace('set -eu\n', `set -eu\necho opened >> ${log}\n`));
    for (let round = 0; round < 20; round += 1) {
      expect(await oma.exports.clients()).toEqual([]);
      expect(await oma.exports.listed()).toEqual([opened.exportName]);
      expect(await oma.exports.serverPid()).not.toBeNull();
    }
    expect(readFileSync(log, 'utf8')).toBe('');

    const writer = await openWriter(opened.port, opened.exportName);
    expect(readFileSync(log, 'utf8')).toBe('opened\n');
    const [before] = await oma.exports.clients();
    expect(await writer.write(0, Buffer.alloc(MiB, 1))).toBe(true);
    const [after] = await oma.exports.clients();
    expect((after?.bytesWritten ?? 0) - (before?.bytesWritten ?? 0)).toBeGreaterThanOrEqual(MiB);
    expect(after?.dev).toBe(mapping.device.dev);
    writer.end();
  });
});
