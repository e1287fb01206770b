import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { ImageFile } from '../../domain/vm.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from './find-program.ts';
import { imageOptions } from './image-options.ts';
import { gone } from './proc.ts';
import type { ReaderRequest, SourceReader } from './source-reader.ts';
import { startProgram } from './start-program.ts';
import { waitUntil } from './wait-until.ts';

const startTimeoutMs = 15_000;

/** A read-only NBD server for formats that are not raw. setpriv ends it with this process (rule M1). */
export async function startQemuNbd(
  request: Omit<ReaderRequest<ImageFile>, 'datastores'>,
  options: Signalled,
): Promise<SourceReader> {
  const socketPath = join(request.folder, 'q');
  const pidPath = join(request.folder, 'i');
  const program = startProgram({
    path: findProgram('setpriv'),
    args: [
      '--pdeathsig',
      'KILL',
      findProgram('qemu-nbd'),
      '--read-only',
      '--persistent',
      `--shared=${request.clients}`,
      `--socket=${socketPath}`,
      `--pid-file=${pidPath}`,
      ...(await imageOptions(request.source)),
    ],
    logPath: request.logPath,
  });
  const stop = async () => {
    program.kill('SIGKILL');
    await program.exited;
  };
  try {
    const ready = await waitUntil(
      () => {
        if (program.exit() !== null) {
          throw new AppError('SOURCE_UNREADABLE', `${request.source.path}: ${program.lastLines()}`, {
            path: request.source.path,
            format: request.source.format,
          });
        }
        return existsSync(pidPath) && gone(() => readFileSync(pidPath, 'utf8')) !== '' ? true : null;
      },
      { clock: request.clock, timeoutMs: startTimeoutMs, everyMs: 2, ...options },
    );
    if (ready === null) throw new AppError('SOURCE_UNREADABLE', `${request.source.path}: qemu-nbd did not start.`);
  } catch (error) {
    await stop();
    throw error;
  }
  return { socketPath, lastLines: program.lastLines, stop };
}
