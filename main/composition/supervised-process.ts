import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { spawnSealed } from '../adapters/processes/sealed-spawn.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Programs } from './programs.ts';

/** A process beside this one that says in a file how it is reached. */
export type Supervised<File> = {
  /** How it is reached now; throws LAB_UNAVAILABLE while it is being started again. */
  current(): File;
  stop(): Promise<void>;
  /** Ends it only if it was started here: it turned out to belong to another console. */
  leave(): Promise<void>;
};

type Options<File> = {
  /** As the log and a person call it. */
  readonly name: string;
  /** Of the command line. */
  readonly words: readonly string[];
  readonly logPath: string;
  /** null while there is none. */
  readonly read: () => File | null;
  /** Where only it would answer to what the file says: a pid in a file may be anybody's by now. */
  readonly ask: (file: File) => { readonly url: URL; readonly token: string };
  /** It runs, also after it was started again; asked until it succeeds. */
  readonly onStarted?: (file: File) => Promise<void>;
  readonly programs: Programs;
  readonly clock: Clock;
  readonly log: Log;
};

/** The first start of the lab makes the images of the demo VMs. */
const startMs = 120_000;
const stopMs = 30_000;
const watchMs = 250;

/**
 * Starts the process, or finds the one that an earlier daemon left running, and starts it again when it dies. The end of
 * the daemon does not end it, only stop() does.
 */
export async function superviseProcess<File extends { readonly pid: number }>(
  options: Options<File>,
): Promise<Supervised<File>> {
  const { name, clock, log } = options;
  const stopping = new AbortController();
  const found = await findRunning(options, stopping.signal);
  let running: File | null = found ?? (await startOne(options, stopping.signal));
  let told: File | null = null;

  const isStopping = (): boolean => stopping.signal.aborted;

  const look = async (failures: number): Promise<void> => {
    if (running === null || !isAlive(running.pid)) {
      running = null;
      log.warn(`${name} ended, it is started again`, { failures });
      running = await startOne(options, stopping.signal);
    }
    if (told === running) return;
    await options.onStarted?.(running);
    told = running;
  };
  const watch = async (): Promise<void> => {
    for (let failures = 0; !isStopping(); ) {
      try {
        await look(failures);
        failures = 0;
        await clock.sleep(watchMs, { signal: stopping.signal });
      } catch (error) {
        if (isStopping()) return;
        failures += 1;
        log.error(`${name} did not start`, { failures, error });
        await clock.sleep(Math.min(30_000, 500 * 2 ** failures), { signal: stopping.signal });
      }
    }
  };
  // What fails here is tried again by the watch.
  if (options.onStarted !== undefined) await look(0).catch((error: unknown) => error);
  const watching = watch().catch((error: unknown) => {
    if (!isStopping()) log.error(`${name} is no longer watched`, { error });
  });

  const end = async (ends: boolean): Promise<void> => {
    stopping.abort(new AppError('SHUTTING_DOWN'));
    await watching;
    if (running !== null && ends) await endProcess(running.pid, clock);
  };
  return {
    current: () => {
      if (running === null) throw new AppError('LAB_UNAVAILABLE', `${name} is being started again.`);
      return running;
    },
    stop: () => end(true),
    leave: () => end(found === null),
  };
}

async function findRunning<File extends { readonly pid: number }>(
  { read, ask }: Options<File>,
  signal: AbortSignal,
): Promise<File | null> {
  const known = read();
  if (known === null || !isAlive(known.pid)) return null;
  const { url, token } = ask(known);
  try {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
    return answer.ok ? known : null;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

async function startOne<File extends { readonly pid: number }>(
  { name, words, logPath, read, programs, clock }: Options<File>,
  signal: AbortSignal,
): Promise<File> {
  mkdirSync(dirname(logPath), { recursive: true, mode: 0o700 });
  const output = openSync(logPath, 'a', 0o600);
  const child = spawnSealed(programs.execPath, [programs.ossea, ...words], {
    detached: true,
    stdio: ['ignore', output, output],
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1', OSSEA_AT: undefined, OSSEA_POINTS_LOG: undefined },
  });
  closeSync(output);
  const end: { why: string | null } = { why: null };
  child.once('error', (error) => {
    end.why = error.message;
  });
  child.once('exit', (code, by) => {
    end.why ??= `${name} ended with ${by ?? `code ${String(code)}`}; see ${logPath}.`;
  });
  child.unref();
  const deadline = clock.monotonicMs() + startMs;
  for (;;) {
    const found = read();
    if (found !== null && found.pid === child.pid) return found;
    if (end.why !== null) throw new AppError('LAB_UNAVAILABLE', end.why);
    if (clock.monotonicMs() > deadline)
      throw new AppError('LAB_UNAVAILABLE', `${name} did not come up in two minutes.`);
    await clock.sleep(25, { signal });
  }
}
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as { code?: string }).code === 'ESRCH') return false;
    throw error;
  }
  return !readFileSync(`/proc/${String(pid)}/stat`, 'utf8').includes(') Z ');
}

async function endProcess(pid: number, clock: Clock): Promise<void> {
  if (!isAlive(pid)) return;
  process.kill(pid, 'SIGTERM');
  const deadline = clock.monotonicMs() + stopMs;
  const never = new AbortController().signal;
  while (isAlive(pid)) {
    if (clock.monotonicMs() > deadline) {
      process.kill(pid, 'SIGKILL');
      return;
    }
    await clock.sleep(20, { signal: never });
  }
}
