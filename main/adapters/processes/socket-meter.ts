import { AppError, asAppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from './find-program.ts';
import { runProgram } from './run-program.ts';

export type SocketMeter = {
  /** Bytes that the other end of an open connection has acknowledged; null where that cannot be told. */
  acknowledged(localPort: number): Promise<number | null>;
};

const freshForMs = 500;

/**
 * nbdcopy writes with send(), which /proc/<pid>/io does not count: only the kernel's own books of the connection say
 * what left it. All who ask within half a second share one reading.
 */
export function createSocketMeter({ clock, signal }: { readonly clock: Clock } & Signalled): SocketMeter {
  let read: { readonly atMs: number; readonly ports: Promise<ReadonlyMap<number, number>> } | null = null;
  return {
    acknowledged: async (localPort) => {
      if (read === null || clock.monotonicMs() - read.atMs > freshForMs) {
        read = { atMs: clock.monotonicMs(), ports: readPorts({ signal }) };
      }
      return (await read.ports).get(localPort) ?? null;
    },
  };
}

async function readPorts(options: Signalled): Promise<ReadonlyMap<number, number>> {
  try {
    const args = ['--tcp', '--info', '--numeric', '--no-header', 'state', 'established'];
    const { code, stdout } = await runProgram({ path: findProgram('ss'), args }, options);
    return code === 0 ? portsIn(stdout) : new Map();
  } catch (error) {
    // Figures are not worth a copy: without the program they stay unknown.
    if (error instanceof AppError && asAppError(error).code === 'PROGRAM_MISSING') return new Map();
    throw error;
  }
}

/** Two lines a connection: its addresses, and below them, indented, its figures. */
export function portsIn(text: string): ReadonlyMap<number, number> {
  const found = new Map<number, number>();
  let port: number | null = null;
  for (const line of text.split('\n')) {
    if (/^\S/.test(line)) {
      const local = /^\S+\s+\S+\s+(\S+):(\d+)\s/.exec(line)?.[2];
      port = local === undefined ? null : Number(local);
      continue;
    }
    const bytes = /\bbytes_acked:(\d+)/.exec(line)?.[1];
    if (port !== null && bytes !== undefined) found.set(port, Number(bytes));
  }
  return found;
}
