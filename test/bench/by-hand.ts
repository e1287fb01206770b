import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { nbdcopyFlags } from '../../main/adapters/movers/copy-run.ts';
import { startProgram } from '../../main/adapters/processes/start-program.ts';
import { eventually } from '../fixtures/real-clock.ts';
import type { Target } from './target.ts';
import { required, runOne, type Workbench } from './workbench.ts';

export type Order = { readonly source: string; readonly bytes: number; readonly segmentBytes: number };

/** nbdkit and nbdcopy with the mover's own arguments, typed by a person: no gate, no lock, no record. */
export async function copyByHand(bench: Workbench, order: Order, target: Target): Promise<void> {
  for (let offset = 0; offset < order.bytes; offset += order.segmentBytes) {
    const length = Math.min(order.segmentBytes, order.bytes - offset);
    await copyWindow(bench, { source: order.source, extent: `${offset} ${length}\n`, target });
  }
}

async function copyWindow(
  bench: Workbench,
  { source, extent, target }: { readonly source: string; readonly extent: string; readonly target: Target },
): Promise<void> {
  const folder = mkdtempSync(join(bench.folder, 'hand-'));
  const [socket, extents] = [join(folder, 'n'), join(folder, 'extents')];
  writeFileSync(extents, extent);
  const nbdkit = startProgram({
    path: required('nbdkit'),
    args: [
      ...['-r', '--foreground', `--unix=${socket}`, '--filter=pause', '--filter=extentlist', '--filter=truncate'],
      ...['file', `file=${source}`, `pause-control=${join(folder, 'p')}`, `extentlist=${extents}`],
      `truncate=${target.disk.sizeBytes}`,
    ],
    logPath: join(folder, 'log'),
  });
  try {
    await eventually(() => existsSync(socket), 'nbdkit listens');
    await runOne(
      [
        required('nbdcopy'),
        ...nbdcopyFlags,
        '--request-size=1048576',
        '--',
        `nbd+unix:///?socket=${socket}`,
        target.uri,
      ],
      bench,
    );
  } finally {
    nbdkit.kill('SIGKILL');
    await nbdkit.exited;
    rmSync(folder, { recursive: true, force: true });
  }
}
