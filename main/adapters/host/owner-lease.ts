import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { writeDurably } from '../processes/durable-file.ts';
import { findProgram } from '../processes/find-program.ts';
import { gone } from '../processes/proc.ts';
import { spawnSealed } from '../processes/sealed-spawn.ts';

const record = z.object({ install_id: z.uuid(), number: z.int().min(1) });

export type OwnerLease = {
  /** Rises with every taking: what bears a lower number was left by an owner that is gone. */
  readonly number: number;
  release(): Promise<void>;
};

const lockTaken = 75;

/**
 * Rule D7: one console owns an appliance. The lock is held by a `flock` that lives as long as our end of its pipe, so a
 * killed daemon frees it at once; the file beside it says for good who the owner is, also while no daemon runs.
 */
export async function takeOwnership(request: {
  readonly root: string;
  readonly installId: string;
  /** Take the appliance from an owner that is gone. Never from one that is there. */
  readonly takeOver: boolean;
}): Promise<OwnerLease> {
  const { root, installId, takeOver } = request;
  const folder = join(root, 'var/lib/ossea');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const path = join(folder, 'owner');
  const release = await holdLock(join(folder, 'owner.lock'), path);
  try {
    const before = readOwner(path);
    if (before !== null && before.install_id !== installId && !takeOver) throw owned(before.install_id, false);
    const number = (before?.number ?? 0) + 1;
    writeDurably(path, `${JSON.stringify({ install_id: installId, number })}\n`);
    return { number, release };
  } catch (error) {
    await release();
    throw error;
  }
}

function readOwner(path: string): z.infer<typeof record> | null {
  const text = gone(() => readFileSync(path, 'utf8'));
  if (text === null) return null;
  try {
    return record.parse(JSON.parse(text));
  } catch (error) {
    const reason = `${path} does not say who owns the appliance.`;
    throw new AppError('OMA_OWNED', reason, { path }, { cause: error });
  }
}

const owned = (installId: string, isRunning: boolean): AppError =>
  new AppError('OMA_OWNED', `It is owned by the console ${installId}${isRunning ? ', which is running' : ''}.`, {
    owner_install_id: installId,
    running: isRunning,
  });

/** `cat` gives back what it is told once the lock is held; with the lock taken flock ends at once. */
async function holdLock(lockPath: string, ownerPath: string): Promise<() => Promise<void>> {
  const args = ['--pdeathsig', 'KILL', findProgram('flock'), '-n', '-F', '-E', String(lockTaken), lockPath];
  const child = spawnSealed(findProgram('setpriv'), [...args, findProgram('cat')], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(child, 'exit').then(([code]) => code as number | null);
  child.stdin?.on('error', () => undefined);
  child.stdin?.write('held\n');
  const said = once(child.stdout as NonNullable<typeof child.stdout>, 'data').then(() => 'held' as const);
  said.catch(() => undefined);
  const outcome = await Promise.race([said, ended]);
  if (outcome === 'held') {
    return async () => {
      // The signal, too: some other child may have inherited our end of the pipe.
      child.stdin?.end();
      child.kill('SIGTERM');
      await ended;
    };
  }
  if (outcome === lockTaken) throw owned(readOwner(ownerPath)?.install_id ?? 'unknown', true);
  throw new AppError('HOST_UNREADABLE', `The owner's lock could not be taken: flock ended with ${String(outcome)}.`);
}
