import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { DatastoreFile, SnapshotDisk } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from './find-program.ts';
import type { SourceReader } from './source-reader.ts';
import { startProgram } from './start-program.ts';
import { waitUntil } from './wait-until.ts';

const startTimeoutMs = 15_000;

export type NbdkitReader = {
  readonly source: DatastoreFile | SnapshotDisk;
  readonly folder: string;
  readonly logPath: string;
  readonly clock: Clock;
  /** Filters, the plugin, and what they are told. */
  readonly args: readonly string[];
  /** Readable to the program as descriptor 3, once, and to nobody else. */
  readonly secret?: string;
};

/** nbdkit as a read-only server in front of a disk of a vCenter. setpriv ends it with this process (rule M1). */
export async function startNbdkitReader(reader: NbdkitReader, options: Signalled): Promise<SourceReader> {
  const { source, folder, logPath, clock, args, secret } = reader;
  const socketPath = join(folder, 'q');
  const pidPath = join(folder, 'i');
  const program = startProgram({
    path: findProgram('setpriv'),
    args: [
      '--pdeathsig',
      'KILL',
      findProgram('nbdkit'),
      '--readonly',
      '--foreground',
      `--unix=${socketPath}`,
      `--pidfile=${pidPath}`,
      ...args,
    ],
    logPath,
    ...(secret === undefined ? {} : { secret }),
  });
  const stop = async (): Promise<void> => {
    program.kill('SIGKILL');
    await program.exited;
  };
  try {
    const ready = await waitUntil(
      () => {
        if (program.exit() !== null) throw unreadable(source, program.lastLines());
        return existsSync(pidPath) ? true : null;
      },
      { clock, timeoutMs: startTimeoutMs, everyMs: 2, ...options },
    );
    if (ready === null) throw unreadable(source, 'nbdkit did not start in time.');
  } catch (error) {
    await stop();
    throw error;
  }
  return { socketPath, lastLines: program.lastLines, stop };
}

export const unreadable = ({ path, format }: DatastoreFile | SnapshotDisk, why: string): AppError =>
  new AppError('SOURCE_UNREADABLE', `${path}: ${why}`, { path, format });
