import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { SourceImage } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from './find-program.ts';
import { imageOptions } from './image-options.ts';
import { gone } from './proc.ts';
import { startProgram } from './start-program.ts';
import { waitUntil } from './wait-until.ts';

export type QemuNbd = { readonly socketPath: string; stop(): Promise<void> };

const startTimeoutMs = 15_000;

/** A read-only NBD server for formats that are not raw. setpriv ends it with this process (rule M1). */
export async function startQemuNbd(
  request: {
    readonly source: SourceImage;
    readonly folder: string;
    readonly logPath: string;
    readonly clients: number;
    readonly clock: Clock;
  },
  options: Signalled,
): Promise<QemuNbd> {
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
  return { socketPath, stop };
}
