import { AppError } from '../../../shared/errors.ts';
import { grainBytes, inGrains } from '../../domain/chunks.ts';
import { type Extent, totalBytes } from '../../domain/extent.ts';
import { isImageFile, type SourceImage } from '../../domain/vm.ts';
import type { Bandwidth } from '../../ports/bandwidth.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DatastoreAccess } from '../../ports/datastore-access.ts';
import type { Signalled, Waiting } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import type { ProgramExit } from '../processes/run-program.ts';
import { type RunningProgram, startProgram } from '../processes/start-program.ts';
import { lockHeldExitCode, nbdcopyFailure, wasRefusedBeforeConnecting } from './nbdcopy-outcome.ts';
import { prepareRunFiles, type RunFiles } from './run-files.ts';
import { type SourceServer, startSourceServer } from './source-server.ts';

export type CopyContext = {
  readonly stateDir: string;
  readonly nbdkitPath?: string;
  readonly nbdcopyPath?: string;
  readonly bandwidth: Bandwidth;
  readonly clock: Clock;
  readonly datastores: DatastoreAccess;
};

/** nbdcopy and its paused source, at the gate. */
export type AtGate = { readonly mover: RunningProgram; readonly sourcePid: number };

/** One run of nbdcopy; what decides that its gate may open is the caller's. */
export type CopyRun<G> = {
  readonly source: SourceImage;
  /** Sorted, merged, not empty. */
  readonly extents: readonly Extent[];
  /** As long as the target: past its own end the source reads as zero (rule M5). */
  readonly deviceBytes: number;
  readonly targetUri: string;
  /** One writer under this name at a time (rule M1); names the output files, too. */
  readonly name: string;
  readonly attempt: number;
  readonly jobId: string | null;
  readonly waiting?: Waiting | undefined;
  /** Rule D4: resolves when the source may be resumed; null when nbdcopy ended, `late` when it hangs, before it was connected. */
  readonly gate: (at: AtGate, options: Signalled) => Promise<G | 'late' | null>;
  /** Bytes of this run that are on their way or there; null where that cannot be told now. */
  readonly written: (gate: G) => number | null | Promise<number | null>;
  /** After a run that was ended: until it resolves, something may still write. */
  readonly fence: () => Promise<void>;
  readonly onProgress?: ((bytesWritten: number) => void) | undefined;
};

export type CopyResult<G> = { readonly bytesWritten: number; readonly seconds: number; readonly gate: G };

const progressEveryMs = 200;
const stallTimeoutMs = 300_000;
const pauseTimeoutMs = 1_000;
const requestSizes = { ordinary: 1024 * 1024, scattered: grainBytes } as const;
/** How much more than what is listed may be sent for the sake of larger requests. */
const wasteAllowed = 1.02;

/** nbdkit as the source, nbdcopy as the writer, a gate between them. `refused`: by the target, before anything was written. */
export async function runCopy<G>(
  context: CopyContext,
  run: CopyRun<G>,
  options: Signalled,
): Promise<CopyResult<G> | 'refused'> {
  const files = prepareRunFiles(context.stateDir, run.name, run.attempt);
  try {
    const source = await startSourceServer(
      {
        source: run.source,
        extents: run.extents,
        deviceBytes: run.deviceBytes,
        files,
        nbdkitPath: context.nbdkitPath,
        clock: context.clock,
        datastores: context.datastores,
        waiting: run.waiting,
      },
      options,
    );
    try {
      return await copyThroughGate({ ...run, context, files, server: source }, options);
    } finally {
      await source.stop();
    }
  } finally {
    files.remove();
  }
}

type Started<G> = CopyRun<G> & {
  readonly context: CopyContext;
  readonly files: RunFiles;
  readonly server: SourceServer;
};

type Passed<G> = { readonly mover: RunningProgram; readonly gate: G };

async function copyThroughGate<G>(run: Started<G>, options: Signalled): Promise<CopyResult<G> | 'refused'> {
  const { clock } = run.context;
  const startedMs = clock.monotonicMs();
  const mover = startNbdcopy(run);
  try {
    const gate = await run.gate({ mover, sourcePid: run.server.pid }, options);
    if (gate === 'late') {
      await endMover(run, mover);
      return 'refused';
    }
    if (gate === null) {
      const exit = await mover.exited;
      const output = mover.lastLines();
      if (exit.code !== lockHeldExitCode && wasRefusedBeforeConnecting(output)) return 'refused';
      throw nbdcopyFailure(exit, output);
    }
    const exit = await sendToTheEnd(run, { mover, gate }, options);
    if (exit.code !== 0) throw sourceFailure(run, nbdcopyFailure(exit, mover.lastLines()));
    // Success includes the flush (rule M2): everything listed is on the device.
    const bytesWritten = totalBytes(run.extents);
    run.onProgress?.(bytesWritten);
    return { bytesWritten, seconds: (clock.monotonicMs() - startedMs) / 1000, gate };
  } catch (error) {
    await endMover(run, mover);
    throw error;
  }
}

/** From the opening of the gate on it has its share of the bandwidth, and no longer than it sends. */
async function sendToTheEnd<G>(run: Started<G>, passed: Passed<G>, options: Signalled): Promise<ProgramExit> {
  const { source, jobId, context, files } = run;
  const leave = context.bandwidth.join({ jobId, host: hostOf(source, context.datastores), ratePath: files.ratePath });
  try {
    await run.server.resume(options);
    await watchToTheEnd(run, passed, options);
    return await passed.mover.exited;
  } finally {
    leave();
  }
}

const hostOf = (source: SourceImage, datastores: DatastoreAccess): string | null =>
  source.format === 'datastore' || source.format === 'snapshot' ? datastores.hostOf(source) : null;

/** A vCenter that refuses a read may give it to the next session: tried again, with what the reader was told. */
function sourceFailure({ source, server }: Pick<Started<never>, 'source' | 'server'>, failure: AppError): AppError {
  if (isImageFile(source) || failure.code !== 'SOURCE_UNREADABLE') return failure;
  return new AppError('MOVER_FAILED', `${source.path}: ${server.readerLines()}`, { path: source.path });
}

/** Rule M2: exactly these flags. -S 0 keeps written zeroes, destination-is-zero leaves unlisted areas alone. */
export const nbdcopyFlags = ['-S', '0', '--destination-is-zero', '--flush', '--connections=1'] as const;

/** A request that touches a listed area is written whole: small ones where the areas are many and small. */
function requestBytesFor(extents: readonly Extent[]): number {
  const { ordinary, scattered } = requestSizes;
  const sent = totalBytes(inGrains(extents, { grain: ordinary, capacityBytes: Number.MAX_SAFE_INTEGER }));
  return sent <= wasteAllowed * totalBytes(extents) ? ordinary : scattered;
}

function startNbdcopy({
  files,
  server,
  targetUri,
  context,
  extents,
}: Omit<Started<never>, 'gate' | 'written'>): RunningProgram {
  return startProgram({
    path: findProgram('flock'),
    args: [
      '-n',
      '-F',
      '-E',
      String(lockHeldExitCode),
      files.lockPath,
      findProgram('setpriv'),
      '--pdeathsig',
      'KILL',
      context.nbdcopyPath ?? findProgram('nbdcopy'),
      ...nbdcopyFlags,
      `--request-size=${String(requestBytesFor(extents))}`,
      '--',
      `nbd+unix:///?socket=${encodeURIComponent(server.socketPath)}`,
      targetUri,
    ],
    logPath: files.log('nbdcopy'),
  });
}

/** Reports what was really written, until nbdcopy ends; a copy that stands still is ended. */
async function watchToTheEnd<G>(run: Started<G>, { mover, gate }: Passed<G>, { signal }: Signalled): Promise<void> {
  const { clock } = run.context;
  const limit = totalBytes(run.extents);
  const ended = new AbortController();
  const stop = () => {
    ended.abort(signal.reason ?? new AppError('CANCELLED'));
  };
  signal.addEventListener('abort', stop, { once: true });
  const exited = mover.exited.then(stop);
  let written = 0;
  let movedMs = clock.monotonicMs();
  try {
    while (!ended.signal.aborted) {
      const now = await run.written(gate);
      // What nobody can count has not stood still for certain.
      if (now === null) movedMs = clock.monotonicMs();
      else if (now > written) {
        written = now;
        movedMs = clock.monotonicMs();
        run.onProgress?.(Math.min(written, limit));
      }
      if (clock.monotonicMs() - movedMs > stallTimeoutMs) {
        throw new AppError('MOVER_FAILED', `No byte was written for ${stallTimeoutMs / 1000} s.`);
      }
      await clock.sleep(progressEveryMs, { signal: ended.signal }).catch((reason: unknown) => {
        if (!ended.signal.aborted) throw reason;
      });
    }
    signal.throwIfAborted();
    await exited;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** Pause, then kill, then wait: after this nothing of the run writes any more. */
async function endMover(
  { context, server, fence }: Omit<Started<never>, 'gate' | 'written'>,
  mover: RunningProgram,
): Promise<void> {
  if (mover.exit() === null) {
    const limit = new AbortController();
    const done = new AbortController();
    const timer = context.clock.sleep(pauseTimeoutMs, { signal: done.signal }).then(
      () => {
        limit.abort(new AppError('MOVER_FAILED', 'The source did not pause in time.'));
      },
      (reason: unknown) => reason,
    );
    // A source that is dead or stuck cannot pause; the kill below needs no consent.
    await server.pause({ signal: limit.signal }).catch((reason: unknown) => reason);
    done.abort(new AppError('CANCELLED'));
    await timer;
    mover.kill('SIGKILL');
    await mover.exited;
  }
  await fence();
}
