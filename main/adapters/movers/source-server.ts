import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Extent } from '../../domain/extent.ts';
import { isImageFile, type SourceImage } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DatastoreAccess } from '../../ports/datastore-access.ts';
import type { Signalled, Waiting } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { gone, killProcess } from '../processes/proc.ts';
import { startSourceReader } from '../processes/source-reader.ts';
import { type RunningProgram, startProgram } from '../processes/start-program.ts';
import { waitUntil } from '../processes/wait-until.ts';
import { sendPauseCommand } from './pause-control.ts';
import type { RunFiles } from './run-files.ts';

export type SourceServer = {
  readonly pid: number;
  readonly socketPath: string;
  readonly program: RunningProgram;
  /** What the reader behind it said last; empty where nbdkit reads the file itself. */
  readerLines(): string;
  pause(options: Signalled): Promise<void>;
  resume(options: Signalled): Promise<void>;
  /** Ends nbdkit, and the reader where the source needed one, and waits until they are gone. */
  stop(): Promise<void>;
};

const startTimeoutMs = 15_000;

/**
 * nbdkit in front of the source, paused before anybody can have connected (rule D4). From the client's side it is as
 * long as the device: past the source's end it reads as zero (rule M5). Only listed areas look like data (rule M2).
 */
export async function startSourceServer(
  request: {
    readonly source: SourceImage;
    readonly extents: readonly Extent[];
    readonly deviceBytes: number;
    readonly files: RunFiles;
    readonly nbdkitPath: string | undefined;
    readonly clock: Clock;
    readonly datastores: DatastoreAccess;
    readonly waiting?: Waiting | undefined;
  },
  options: Signalled,
): Promise<SourceServer> {
  const { source, files, clock, datastores, waiting } = request;
  requireReadable(source);
  writeFileSync(files.extentListPath, extentList(request.extents));
  const nbdkitPath = request.nbdkitPath ?? findProgram('nbdkit');
  const reader =
    source.format === 'raw'
      ? null
      : await startSourceReader(
          { source, folder: files.socketFolder, logPath: files.log('source'), clock, clients: 4, datastores },
          { ...options, waiting },
        );
  const pluginArgs = reader === null ? ['file', `file=${source.path}`] : ['nbd', `socket=${reader.socketPath}`];
  const socketPath = join(files.socketFolder, 'n');
  const controlPath = join(files.socketFolder, 'p');
  const pidPath = join(files.socketFolder, 'k');
  const program = startProgram({
    // nbdkit asks for SIGTERM at its parent's death, and while the gate is shut it then waits for ever for its own
    // clients. So its parent is `timeout`, which gets SIGTERM at the daemon's death and follows up with SIGKILL.
    path: findProgram('setpriv'),
    args: [
      '--pdeathsig',
      'TERM',
      findProgram('timeout'),
      '--foreground',
      '--kill-after=1',
      '0',
      nbdkitPath,
      ...nbdkitArgs({ request, socketPath, controlPath, pidPath, pluginArgs }),
    ],
    logPath: files.log('nbdkit'),
  });
  const nbdkitPid = () => Number(gone(() => readFileSync(pidPath, 'utf8')) ?? '');
  const stop = async () => {
    const pid = nbdkitPid();
    if (program.exit() === null) {
      if (pid > 0) killProcess(pid);
      else program.kill('SIGTERM');
    }
    await program.exited;
    await reader?.stop();
  };
  try {
    // The pid file is written once the sockets are bound and before a client is served.
    const ready = await waitUntil(
      () => {
        if (program.exit() !== null) throw unreadable(source, program.lastLines());
        return nbdkitPid() > 0 ? true : null;
      },
      { clock, timeoutMs: startTimeoutMs, everyMs: 2, ...options },
    );
    if (ready === null) throw new AppError('MOVER_FAILED', 'nbdkit did not start in time.');
    await sendPauseCommand(controlPath, 'pause', options);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: nbdkitPid(),
    socketPath,
    program,
    readerLines: () => reader?.lastLines() ?? '',
    pause: (how) => sendPauseCommand(controlPath, 'pause', how),
    resume: (how) => sendPauseCommand(controlPath, 'resume', how),
    stop,
  };
}

function nbdkitArgs({
  request,
  socketPath,
  controlPath,
  pidPath,
  pluginArgs,
}: {
  readonly request: {
    readonly deviceBytes: number;
    readonly files: RunFiles;
  };
  readonly socketPath: string;
  readonly controlPath: string;
  readonly pidPath: string;
  readonly pluginArgs: readonly string[];
}): string[] {
  return [
    '-r',
    '--foreground',
    `--unix=${socketPath}`,
    `--pidfile=${pidPath}`,
    '--filter=pause',
    '--filter=rate',
    '--filter=extentlist',
    '--filter=truncate',
    ...pluginArgs,
    `pause-control=${controlPath}`,
    `rate-file=${request.files.ratePath}`,
    `extentlist=${request.files.extentListPath}`,
    `truncate=${request.deviceBytes}`,
  ];
}

/** Sorted, merged, never empty (rule M2): an empty list would copy nothing and say success. */
export function extentList(extents: readonly Extent[]): string {
  if (extents.length === 0) throw new AppError('INTERNAL', 'A segment without extents was given to the mover.');
  let end = -1;
  for (const { offset, length } of extents) {
    if (length <= 0 || offset <= end) throw new AppError('INTERNAL', 'Extents are not sorted and merged.');
    end = offset + length;
  }
  return extents.map(({ offset, length }) => `${offset} ${length}\n`).join('');
}

function requireReadable(source: SourceImage): void {
  if (isImageFile(source) && !existsSync(source.path)) throw unreadable(source, 'No such file.');
}

const unreadable = (source: SourceImage, why: string): AppError =>
  new AppError('SOURCE_UNREADABLE', `${source.path}: ${why}`, { path: source.path, format: source.format });
