import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { isAlive, killProcess, processState } from '../processes/proc.ts';
import { runProgram } from '../processes/run-program.ts';
import { waitUntil } from '../processes/wait-until.ts';
import { listExports } from './handshake.ts';
import type { NbdTls } from './server-config.ts';
import { listenHolders, listenInodes, listeningServer, serverMark } from './server-processes.ts';

export type ServerPlace = {
  readonly nbdServerPath: string;
  readonly configPath: string;
  readonly pidPath: string;
  readonly port: number;
  /** null: this machine alone, in clear (rule N3). */
  readonly tls: NbdTls | null;
  readonly clock: Clock;
};

export const serverPlace = (
  stateDir: string,
  rest: Pick<ServerPlace, 'nbdServerPath' | 'port' | 'tls' | 'clock'>,
): ServerPlace => ({
  ...rest,
  configPath: join(stateDir, 'nbd-server.conf'),
  pidPath: join(stateDir, 'nbd-server.pid'),
});

const attempts = 5;
const releaseTimeoutMs = 5_000;
const listenTimeoutMs = 3_000;

/**
 * Rule N1. SIGHUP corrupts the heap of nbd-server 3.24 and never drops an export, so a reload is a new parent.
 * Connected children are orphans from then on and go on serving. SIGKILL, because SIGTERM would end them too.
 */
export async function restartServer(place: ServerPlace, expectedNames: readonly string[], options: Signalled) {
  const mark = serverMark(place.configPath);
  let trouble = '';
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    await releaseListener(place, options);
    const started = await runProgram(
      {
        path: place.nbdServerPath,
        args: ['-C', place.configPath, '-p', place.pidPath],
        cwd: '/',
        env: { ...process.env, [mark.name]: mark.value },
      },
      options,
    );
    if (started.code !== 0) {
      trouble = started.stderr.trim() || `exit code ${started.code ?? started.killedBy}`;
      continue;
    }
    // Its exit code says nothing about the bind: pid alive, owner of the listener, and the right list do.
    const pid = await waitUntil(() => listeningServer(place), {
      clock: place.clock,
      timeoutMs: listenTimeoutMs,
      ...options,
    });
    if (pid === null) {
      trouble = 'it did not listen in time';
      continue;
    }
    const missing = await missingNames(place, expectedNames, options);
    if (missing === null) return;
    trouble = missing;
  }
  throw new AppError('EXPORT_FAILED', `nbd-server did not start: ${trouble}`, { port: place.port, attempts });
}

/** Kills the parent and whatever still negotiates, and waits until nobody holds the listening socket. */
async function releaseListener(place: ServerPlace, options: Signalled): Promise<void> {
  const free = await waitUntil(
    () => {
      const holders = listenHolders(place.configPath, place.port);
      if (holders.length === 0 && listenInodes(place.port).size === 0) return true;
      for (const { pid } of holders.filter((holder) => holder.owner === 'us')) killProcess(pid);
      const stranger = holders.find((holder) => holder.owner === 'stranger' && isAlive(holder.pid));
      if (stranger !== undefined) {
        const name = processState(stranger.pid)?.comm ?? '?';
        throw new AppError('PORT_IN_USE', `Port ${place.port} is held by ${name} (pid ${stranger.pid}).`, {
          port: place.port,
        });
      }
      return null;
    },
    { clock: place.clock, timeoutMs: releaseTimeoutMs, ...options },
  );
  if (free === null) {
    throw new AppError('PORT_IN_USE', `Port ${place.port} was not released.`, { port: place.port });
  }
}

async function missingNames(
  place: ServerPlace,
  expected: readonly string[],
  options: Signalled,
): Promise<string | null> {
  try {
    const names = new Set(
      await listExports({ host: '127.0.0.1', port: place.port, tlsDir: place.tls?.ownDir }, options),
    );
    const missing = expected.filter((name) => !names.has(name));
    return missing.length === 0 ? null : `it does not list ${missing.join(', ')}`;
  } catch (error) {
    options.signal.throwIfAborted();
    return error instanceof Error ? error.message : String(error);
  }
}
