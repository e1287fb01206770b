import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Sender, SendRequest } from '../../ports/sender.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { openDescriptors, tcpSockets } from '../processes/proc.ts';
import type { SocketMeter } from '../processes/socket-meter.ts';
import { waitUntil } from '../processes/wait-until.ts';
import { type AtGate, type CopyContext, runCopy } from './copy-run.ts';
import { removeLeftovers } from './run-files.ts';

type SenderContext = CopyContext & {
  readonly meter: SocketMeter;
  /** Certificates for `nbds://`; null where there are none. */
  readonly certificatesDir: () => string | null;
};

const connectTimeoutMs = 15_000;
/** A connection that nobody opens the gate of for this long is given back. */
const gateTimeoutMs = 600_000;

/** Copies into an export of another machine; whoever watches that machine opens the gate. */
export function createSender(context: SenderContext): Sender {
  removeLeftovers(context.stateDir);
  return {
    send: async (request, options) => {
      const result = await runCopy(
        context,
        {
          ...request,
          targetUri: targetOf(request.url, context.certificatesDir()),
          gate: (at, how) => waitAtGate(at, { request, clock: context.clock }, how),
          written: async ({ port, before }) => {
            const now = await context.meter.acknowledged(port);
            return now === null ? null : now - before;
          },
          // No server of this machine is behind it: with nbdcopy dead, nothing of ours writes.
          fence: () => Promise.resolve(),
        },
        options,
      );
      if (result !== 'refused') return result;
      throw new AppError('MOVER_FAILED', `${request.url} did not take the connection. Nothing was written.`);
    },
  };

  async function waitAtGate(
    { mover }: AtGate,
    { request, clock }: { readonly request: SendRequest; readonly clock: Clock },
    { signal }: Signalled,
  ): Promise<{ readonly port: number; readonly before: number } | 'late' | null> {
    const found = await waitUntil<number | 'ended'>(() => (mover.exit() === null ? connectionOf(mover.pid) : 'ended'), {
      clock,
      timeoutMs: connectTimeoutMs,
      everyMs: 3,
      signal,
    });
    if (found === 'ended') return null;
    if (found === null) return 'late';
    const waiting = new AbortController();
    const stop = (): void => {
      waiting.abort(signal.reason);
    };
    signal.addEventListener('abort', stop, { once: true });
    try {
      const opened = request.untilOpened({ signal: waiting.signal }).then(() => true);
      const ended = mover.exited.then(() => false);
      const late = clock.sleep(gateTimeoutMs, { signal: waiting.signal }).then(() => {
        throw new AppError(
          'MOVER_FAILED',
          `Its gate was not opened for ${gateTimeoutMs / 1000} s. Nothing was written.`,
        );
      });
      // The other end may close the connection while it waits here.
      if (!(await Promise.race([opened, ended, late]))) return null;
    } finally {
      signal.removeEventListener('abort', stop);
      waiting.abort(new AppError('CANCELLED', 'The mover is no longer at its gate.'));
    }
    return { port: found, before: (await context.meter.acknowledged(found)) ?? 0 };
  }
}

/** The one connection over TCP that it has; its source is behind a Unix socket. */
function connectionOf(pid: number): number | null {
  const inodes = new Set(openDescriptors(pid).flatMap(({ socketInode }) => socketInode ?? []));
  return tcpSockets().find(({ established, inode }) => established && inodes.has(inode))?.localPort ?? null;
}

function targetOf(url: string, certificatesDir: string | null): string {
  if (!url.startsWith('nbds:') || certificatesDir === null) return url;
  return `${url}?tls-certificates=${encodeURIComponent(certificatesDir)}`;
}
