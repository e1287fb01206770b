import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../shared/errors.ts';
import { spawnSealed } from '../adapters/processes/sealed-spawn.ts';
import type { Clock } from '../ports/clock.ts';
import type { Log } from '../ports/log.ts';
import type { Programs } from './programs.ts';

const labFile = z.object({
  url: z.string(),
  api_key: z.string(),
  secret_key: z.string(),
  oma_vm_id: z.string(),
  zone_id: z.string(),
  disk_offering_id: z.string(),
  host_root: z.string(),
  vms_dir: z.string(),
  pid: z.int(),
  control_token: z.string(),
  vcenter: z.object({
    url: z.string(),
    username: z.string(),
    password: z.string(),
    certificate_sha256: z.string(),
  }),
});
export type LabFile = z.infer<typeof labFile>;

export type LabProcess = {
  /** How the lab is reached now; throws LAB_UNAVAILABLE while it is being started again. */
  current(): LabFile;
  stop(): Promise<void>;
  /** Ends it only if it was started here: it turned out to belong to another console. */
  leave(): Promise<void>;
};

type Options = { readonly dir: string; readonly programs: Programs; readonly clock: Clock; readonly log: Log };

/** The first start makes the images of the demo VMs. */
const startMs = 120_000;
const stopMs = 30_000;
const watchMs = 250;

/**
 * Starts the lab, or finds the one that an earlier daemon left running, and starts it again when it dies. It is a process
 * of its own: the end of the daemon does not end it, only stop() does.
 */
export async function superviseLab(options: Options): Promise<LabProcess> {
  const { clock, log } = options;
  const stopping = new AbortController();
  const found = await findRunning(options.dir, stopping.signal);
  let lab: LabFile | null = found ?? (await startOne(options, stopping.signal));

  const isStopping = (): boolean => stopping.signal.aborted;

  const watch = async (): Promise<void> => {
    for (let failures = 0; !isStopping(); ) {
      await clock.sleep(watchMs, { signal: stopping.signal });
      if (lab !== null && isAlive(lab.pid)) {
        failures = 0;
        continue;
      }
      lab = null;
      log.warn('the demo environment ended, it is started again', { failures });
      try {
        lab = await startOne(options, stopping.signal);
      } catch (error) {
        if (isStopping()) return;
        failures += 1;
        log.error('the demo environment did not start', { failures, error });
        await clock.sleep(Math.min(30_000, 500 * 2 ** failures), { signal: stopping.signal });
      }
    }
  };
  const watching = watch().catch((error: unknown) => {
    if (!isStopping()) log.error('the demo environment is no longer watched', { error });
  });

  const end = async (endsLab: boolean): Promise<void> => {
    stopping.abort(new AppError('SHUTTING_DOWN'));
    await watching;
    if (lab !== null && endsLab) await endProcess(lab.pid, clock);
  };
  return {
    current: () => {
      if (lab === null) throw new AppError('LAB_UNAVAILABLE', 'It is being started again.');
      return lab;
    },
    stop: () => end(true),
    leave: () => end(found === null),
  };
}

function readLabFile(dir: string): LabFile | null {
  try {
    return labFile.parse(JSON.parse(readFileSync(join(dir, 'lab.json'), 'utf8')));
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return null;
    throw error;
  }
}

/** A pid in a file may be anybody's by now: only a lab that knows its own control token is ours. */
async function findRunning(dir: string, signal: AbortSignal): Promise<LabFile | null> {
  const known = readLabFile(dir);
  if (known === null || !isAlive(known.pid)) return null;
  try {
    const answer = await fetch(new URL('/lab/v1/state', known.url), {
      headers: { authorization: `Bearer ${known.control_token}` },
      signal,
    });
    return answer.ok ? known : null;
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

async function startOne({ dir, programs, clock }: Options, signal: AbortSignal): Promise<LabFile> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const output = openSync(join(dir, 'lab.log'), 'a', 0o600);
  const child = spawnSealed(programs.execPath, [programs.ossea, 'lab', 'serve', '--dir', dir], {
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
    end.why ??= `It ended with ${by ?? `code ${String(code)}`}; see ${join(dir, 'lab.log')}.`;
  });
  child.unref();
  const deadline = clock.monotonicMs() + startMs;
  for (;;) {
    const found = readLabFile(dir);
    if (found !== null && found.pid === child.pid) return found;
    if (end.why !== null) throw new AppError('LAB_UNAVAILABLE', end.why);
    if (clock.monotonicMs() > deadline) throw new AppError('LAB_UNAVAILABLE', 'It did not come up in two minutes.');
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
