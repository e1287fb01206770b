import { AppError } from '../../../shared/errors.ts';
import { type Extent, totalBytes } from '../../domain/extent.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DatastoreAccess } from '../../ports/datastore-access.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Mover, SegmentRequest, SegmentResult } from '../../ports/mover.ts';
import type { ExportClient, NbdExports } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { bytesWrittenBy } from '../processes/proc.ts';
import { runProgram } from '../processes/run-program.ts';
import { type RunningProgram, startProgram } from '../processes/start-program.ts';
import { proveGate } from './gate.ts';
import { lockHeldExitCode, nbdcopyFailure, wasRefusedBeforeConnecting } from './nbdcopy-outcome.ts';
import { prepareRunFiles, type RunFiles, removeLeftovers } from './run-files.ts';
import { type SourceServer, startSourceServer } from './source-server.ts';

export type MoverSettings = { readonly rateBytesPerSecond: number | null };

type MoverContext = {
  readonly stateDir: string;
  readonly nbdkitPath?: string;
  readonly nbdcopyPath?: string;
  readonly settings: () => MoverSettings;
  readonly hostAccess: HostAccess;
  readonly exports: NbdExports;
  readonly clock: Clock;
  readonly datastores: DatastoreAccess;
};

/** Other volumes may reload the server again and again meanwhile: bounded by time, not by a count. */
const connectWithinMs = 60_000;
const progressEveryMs = 200;
const stallTimeoutMs = 300_000;
const pauseTimeoutMs = 1_000;
const requestBytes = 1024 * 1024;

/** nbdkit as the source, nbdcopy as the writer, a gate between them. */
export function createNbdcopyMover(context: MoverContext): Mover {
  removeLeftovers(context.stateDir);
  return {
    name: 'nbdcopy',
    copySegment: async (request, options) => {
      requireSegment(request);
      await requireUnlocked(context, request, options);
      // What an earlier attempt left connected must not write beside this one (rules M1, N2).
      await context.exports.fence(request.mapping, options);
      const deadlineMs = context.clock.monotonicMs() + connectWithinMs;
      for (;;) {
        const result = await tryOnce(context, request, options);
        if (result !== 'refused') return result;
        if (context.clock.monotonicMs() > deadlineMs) {
          throw new AppError(
            'MOVER_FAILED',
            `${request.target.exportName} refused every connection for ${connectWithinMs / 1000} s.`,
          );
        }
        await context.exports.ensureOpen(request.mapping, options);
      }
    },
  };
}

function requireSegment({ extents, mapping, source, sourceBytes }: SegmentRequest): void {
  const last: Extent | undefined = extents.at(-1);
  if (last === undefined || last.offset + last.length > mapping.device.sizeBytes) {
    throw new AppError('INTERNAL', 'A segment is empty or reaches past the end of the device.');
  }
  if (sourceBytes > mapping.device.sizeBytes) {
    throw new AppError('INTERNAL', `${source.path} is larger than ${mapping.device.path}.`);
  }
}

/** Asks before the fence: a second caller must not cut off the writer that holds the lock. */
async function requireUnlocked(context: MoverContext, request: SegmentRequest, options: Signalled): Promise<void> {
  const files = prepareRunFiles(context.stateDir, request.mapping.volumeId, request.attempt);
  try {
    const args = ['-n', '-E', String(lockHeldExitCode), files.lockPath, findProgram('true')];
    const exit = await runProgram({ path: findProgram('flock'), args }, options);
    if (exit.code !== 0) throw nbdcopyFailure(exit, exit.stderr);
  } finally {
    files.remove();
  }
}

async function tryOnce(
  context: MoverContext,
  request: SegmentRequest,
  options: Signalled,
): Promise<SegmentResult | 'refused'> {
  const files = prepareRunFiles(context.stateDir, request.mapping.volumeId, request.attempt);
  try {
    const source = await startSourceServer(
      {
        source: request.source,
        extents: request.extents,
        deviceBytes: request.mapping.device.sizeBytes,
        rateBytesPerSecond: context.settings().rateBytesPerSecond,
        files,
        nbdkitPath: context.nbdkitPath,
        clock: context.clock,
        datastores: context.datastores,
      },
      options,
    );
    try {
      return await copyThroughGate({ ...context, request, files, source }, options);
    } finally {
      await source.stop();
    }
  } finally {
    files.remove();
  }
}

type Run = MoverContext & {
  readonly request: SegmentRequest;
  readonly files: RunFiles;
  readonly source: SourceServer;
};

async function copyThroughGate(run: Run, options: Signalled): Promise<SegmentResult | 'refused'> {
  const { request, source, clock } = run;
  const startedMs = clock.monotonicMs();
  const mover = startNbdcopy(run);
  try {
    const gate = await proveGate(
      {
        mover,
        sourcePid: source.pid,
        mapping: request.mapping,
        exports: run.exports,
        hostAccess: run.hostAccess,
        clock,
      },
      options,
    );
    if (gate === null) {
      const exit = await mover.exited;
      const output = mover.lastLines();
      if (exit.code !== lockHeldExitCode && wasRefusedBeforeConnecting(output)) return 'refused';
      throw nbdcopyFailure(exit, output);
    }
    request.onGate?.(gate.proof);
    await source.resume(options);
    await watchToTheEnd({ run, mover, clients: gate.clients }, options);
    const exit = await mover.exited;
    if (exit.code !== 0) throw sourceFailure(run, nbdcopyFailure(exit, mover.lastLines()));
    // Success includes the flush (rule M2): everything listed is on the device.
    const bytesWritten = totalBytes(request.extents);
    request.onProgress?.(bytesWritten);
    return { bytesWritten, seconds: (clock.monotonicMs() - startedMs) / 1000, gate: gate.proof };
  } catch (error) {
    await endMover(run, mover);
    throw error;
  }
}

/** A datastore that refuses a read may give it to the next session: tried again, with what the reader was told. */
function sourceFailure({ request, source }: Run, failure: AppError): AppError {
  if (request.source.format !== 'datastore' || failure.code !== 'SOURCE_UNREADABLE') return failure;
  return new AppError('MOVER_FAILED', `${request.source.path}: ${source.readerLines()}`, { path: request.source.path });
}

/** Rule M2: exactly these flags. -S 0 keeps written zeroes, destination-is-zero leaves unlisted areas alone. */
export const nbdcopyFlags = [
  '-S',
  '0',
  '--destination-is-zero',
  '--flush',
  '--connections=1',
  `--request-size=${requestBytes}`,
] as const;

function startNbdcopy({ request, files, source, nbdcopyPath }: Run): RunningProgram {
  const { target } = request;
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
      nbdcopyPath ?? findProgram('nbdcopy'),
      ...nbdcopyFlags,
      '--',
      `nbd+unix:///?socket=${encodeURIComponent(source.socketPath)}`,
      uriOf(target),
    ],
    logPath: files.log('nbdcopy'),
  });
}

function uriOf({ host, port, exportName, tlsDir }: SegmentRequest['target']): string {
  const address = `${host}:${port}/${exportName}`;
  return tlsDir === undefined ? `nbd://${address}` : `nbds://${address}?tls-certificates=${encodeURIComponent(tlsDir)}`;
}

/** Reports bytes that the server really wrote, until nbdcopy ends; a copy that stands still is ended. */
async function watchToTheEnd(
  {
    run,
    mover,
    clients,
  }: { readonly run: Run; readonly mover: RunningProgram; readonly clients: readonly ExportClient[] },
  { signal }: Signalled,
): Promise<void> {
  const { request, clock } = run;
  const limit = totalBytes(request.extents);
  const atGate = new Map(clients.map(({ pid, bytesWritten }) => [pid, bytesWritten]));
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
      const now = [...atGate].reduce((sum, [pid, before]) => sum + ((bytesWrittenBy(pid) ?? before) - before), 0);
      if (now > written) {
        written = now;
        movedMs = clock.monotonicMs();
        request.onProgress?.(Math.min(written, limit));
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
async function endMover(run: Run, mover: RunningProgram): Promise<void> {
  const { signal } = new AbortController();
  if (mover.exit() === null) {
    const limit = new AbortController();
    const done = new AbortController();
    const timer = run.clock.sleep(pauseTimeoutMs, { signal: done.signal }).then(
      () => {
        limit.abort(new AppError('MOVER_FAILED', 'The source did not pause in time.'));
      },
      (reason: unknown) => reason,
    );
    // A source that is dead or stuck cannot pause; the kill below needs no consent.
    await run.source.pause({ signal: limit.signal }).catch((reason: unknown) => reason);
    done.abort(new AppError('CANCELLED'));
    await timer;
    mover.kill('SIGKILL');
    await mover.exited;
  }
  await run.exports.fence(run.request.mapping, { signal });
}
