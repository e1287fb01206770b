import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { AppError } from '../../shared/errors.ts';

export type DirLock = { release(): Promise<void> };

/**
 * flock(2) belongs to the open file description, not to the process that asked for it: `flock` locks the descriptor
 * that it inherits and exits, and the lock stays ours until the kernel closes the descriptor, also after kill -9.
 */
export async function lockDir(path: string): Promise<DirLock> {
  const file = await open(path, 'a', 0o600);
  try {
    const child = spawn('flock', ['--nonblock', '--conflict-exit-code', '75', '3'], {
      stdio: ['ignore', 'ignore', 'ignore', file.fd],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code === 75) throw new AppError('DATA_DIR_IN_USE', `Another lab holds ${path}.`);
    if (code !== 0) throw new AppError('INTERNAL', `flock on ${path} ended with ${String(code)}.`);
  } catch (error) {
    await file.close();
    throw error;
  }
  return { release: () => file.close() };
}
