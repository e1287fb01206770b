import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { clip, type Extent, normalise } from '../../domain/extent.ts';
import type { SnapshotDisk } from '../../domain/vm.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from './find-program.ts';
import { runProgram } from './run-program.ts';
import { type ReaderRequest, startSourceReader } from './source-reader.ts';
import { unreadable } from './start-nbdkit-reader.ts';

type Request = Pick<ReaderRequest<SnapshotDisk>, 'source' | 'clock' | 'datastores'>;

const mapEntry = z.object({ offset: z.int(), length: z.int(), type: z.int() });
/** Of NBD's base:allocation: reads as zero. */
const zeroFlag = 2;

/** Areas of a snapshot that hold data, as its reader tells them; the rest reads as zero. */
export async function readerExtents(request: Request, options: Signalled): Promise<Extent[]> {
  const { source } = request;
  const folder = mkdtempSync(join(tmpdir(), 'ossea-'));
  try {
    const reader = await startSourceReader({ ...request, folder, logPath: join(folder, 'log'), clients: 1 }, options);
    try {
      const uri = `nbd+unix:///?socket=${encodeURIComponent(reader.socketPath)}`;
      const args = ['--map', '--json', uri];
      const { code, stdout, stderr } = await runProgram({ path: findProgram('nbdinfo'), args }, options);
      if (code !== 0) throw unreadable(source, `${stderr.trim()} ${reader.lastLines()}`.trim());
      const entries = z.array(mapEntry).parse(JSON.parse(stdout));
      const data = normalise(entries.filter(({ type }) => (type & zeroFlag) === 0));
      return clip(data, { offset: 0, length: source.capacityBytes });
    } finally {
      await reader.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
