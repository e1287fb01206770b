import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, asAppError, catalogue } from '../../../shared/errors.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { type RunningProgram, startProgram } from '../processes/start-program.ts';
import { greetsAsNbd } from './nbd-greeting.ts';
import { type Ends, type SshLink, sshArguments } from './ssh-command.ts';
import { portWasTaken, tunnelError } from './ssh-words.ts';

export type TunnelState =
  | { readonly state: 'up'; readonly port: number; readonly pid: number }
  /** In the words of ssh. It is opened again by itself. */
  | { readonly state: 'down'; readonly error: AppError };

export type SshForward = {
  /** The local port, once the NBD server answers through it. Rejects with what only a person can mend. */
  port(options: Signalled): Promise<number>;
  close(): Promise<void>;
};

type Parts = {
  /** One of its own for each tunnel: the output of ssh is kept there. */
  readonly stateDir: string;
  readonly link: SshLink;
  readonly target: Ends['target'];
  readonly clock: Clock;
  readonly freePort: () => Promise<number>;
  readonly onChange?: (state: TunnelState) => void;
};

const answerWithinMs = 30_000;
const askEveryMs = 50;
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * `ssh -L` as a child of its own for each link or job: what ends one ends no other (incident 39). The program is OpenSSH's,
 * so the bytes of the disks never pass through this process. It dies with us, and is started again when it dies alone.
 */
export function openSshForward(parts: Parts): SshForward {
  mkdirSync(parts.stateDir, { recursive: true, mode: 0o700 });
  const closing = new AbortController();
  const watchers = new Set<(state: TunnelState) => void>();
  let current: TunnelState = { state: 'down', error: new AppError('TUNNEL_LOST', 'It is being opened.') };
  const tell = (state: TunnelState): void => {
    current = state;
    parts.onChange?.(state);
    for (const watcher of [...watchers]) watcher(state);
  };
  const ended = keepOpen(parts, tell, closing.signal);
  return {
    port: ({ signal }) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const leave = (): void => {
          watchers.delete(watch);
          signal.removeEventListener('abort', abort);
        };
        const abort = (): void => {
          leave();
          reject(signal.reason as Error);
        };
        const watch = (state: TunnelState): void => {
          if (state.state === 'down' && catalogue[state.error.code].retry === 'backoff' && !closing.signal.aborted)
            return;
          leave();
          if (state.state === 'up') resolve(state.port);
          else reject(state.error);
        };
        signal.addEventListener('abort', abort, { once: true });
        watchers.add(watch);
        watch(current);
      }),
    close: async () => {
      closing.abort(new AppError('CANCELLED', 'The tunnel was closed.'));
      await ended;
      tell({ state: 'down', error: closing.signal.reason as AppError });
    },
  };
}

async function keepOpen(parts: Parts, tell: (state: TunnelState) => void, signal: AbortSignal): Promise<void> {
  let localPort: number | null = null;
  let pauseMs = firstPauseMs;
  for (;;) {
    localPort ??= await parts.freePort();
    const { wasUp, error } = await openOnce(parts, localPort, { tell, signal });
    if (signal.aborted) return;
    // Whoever took the port meanwhile keeps it: the next try is with another one, and without delay.
    if (error.code === 'TUNNEL_LOST' && portWasTaken(error.reason ?? '')) {
      localPort = null;
      continue;
    }
    tell({ state: 'down', error });
    pauseMs = wasUp ? firstPauseMs : Math.min(longestPauseMs, 2 * pauseMs);
    await parts.clock.sleep(pauseMs, { signal }).catch((reason: unknown) => {
      if (!signal.aborted) throw reason;
    });
  }
}

type Watched = { readonly tell: (state: TunnelState) => void; readonly signal: AbortSignal };

/** One life of ssh, from its start to its end. */
async function openOnce(
  parts: Parts,
  localPort: number,
  { tell, signal }: Watched,
): Promise<{ readonly wasUp: boolean; readonly error: AppError }> {
  if (signal.aborted) return { wasUp: false, error: asAppError(signal.reason) };
  const logPath = join(parts.stateDir, 'ssh.log');
  rmSync(logPath, { force: true });
  let ssh: RunningProgram;
  try {
    ssh = startProgram({
      path: findProgram('setpriv'),
      args: [
        ...['--pdeathsig', 'KILL', findProgram('ssh')],
        ...sshArguments(parts.link, { localPort, target: parts.target }),
      ],
      logPath,
    });
  } catch (error) {
    return { wasUp: false, error: asAppError(error) };
  }
  const kill = (): void => ssh.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    const failure = await untilAnswering(parts, { ssh, localPort, signal });
    if (failure === null) tell({ state: 'up', port: localPort, pid: ssh.pid });
    else kill();
    const { code, killedBy } = await ssh.exited;
    return { wasUp: failure === null, error: failure ?? tunnelError(ssh.lastLines(), String(code ?? killedBy)) };
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

type Starting = { readonly ssh: RunningProgram; readonly localPort: number; readonly signal: AbortSignal };

/** null once the NBD server answers; else why not. */
async function untilAnswering({ clock }: Parts, { ssh, localPort, signal }: Starting): Promise<AppError | null> {
  const over = new AbortController();
  const stop = (): void => {
    over.abort(signal.reason ?? new AppError('CANCELLED'));
  };
  signal.addEventListener('abort', stop, { once: true });
  void ssh.exited.then(stop, stop);
  const limit = clock.sleep(answerWithinMs, { signal: over.signal }).then(stop, (reason: unknown) => reason);
  try {
    while (!over.signal.aborted) {
      if (await greetsAsNbd(localPort, { signal: over.signal })) return null;
      const refused = tunnelError(ssh.lastLines(), '');
      if (refused.code === 'TUNNEL_FORWARD_REFUSED') return refused;
      await clock.sleep(askEveryMs, { signal: over.signal });
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
    await limit;
  }
  const exit = ssh.exit();
  if (exit !== null) return tunnelError(ssh.lastLines(), String(exit.code ?? exit.killedBy));
  const words = ssh.lastLines();
  return new AppError('TUNNEL_LOST', `No NBD server answered within ${answerWithinMs / 1000} s. ${words}`.trim());
}
