import { open } from 'node:fs/promises';
import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { exitOf } from '../processes/run-program.ts';
import { spawnSealed } from '../processes/sealed-spawn.ts';

const waitSeconds = 30;
const stillTaken = 75;

/**
 * One writer at a time, over processes, too. The lock belongs to the open file: `flock` takes it for the descriptor that it
 * inherits, and the kernel frees it when we close ours, also by kill -9.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, { signal }: Signalled): Promise<T> {
  const file = await open(path, 'a', 0o600);
  try {
    signal.throwIfAborted();
    const args = ['--timeout', String(waitSeconds), '--conflict-exit-code', String(stillTaken), '3'];
    const child = spawnSealed(findProgram('flock'), args, { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
    const kill = (): boolean => child.kill('SIGKILL');
    signal.addEventListener('abort', kill, { once: true });
    const { code } = await exitOf(child).finally(() => {
      signal.removeEventListener('abort', kill);
    });
    signal.throwIfAborted();
    if (code !== 0)
      throw new AppError(
        'INTERNAL',
        `The lock ${path} was not free within ${String(waitSeconds)} s (${String(code)}).`,
      );
    return await work();
  } finally {
    await file.close();
  }
}
