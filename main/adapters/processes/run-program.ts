import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { AppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { spawnSealed } from './sealed-spawn.ts';

export type ProgramExit = { readonly code: number | null; readonly killedBy: NodeJS.Signals | null };

export type ProgramOutput = ProgramExit & { readonly stdout: string; readonly stderr: string };

const defaultMaxOutputBytes = 64 * 1024 * 1024;

/** Runs a program to its end. When the signal fires, the program is killed and gone before this rejects. */
export async function runProgram(
  command: {
    readonly path: string;
    readonly args: readonly string[];
    readonly env?: NodeJS.ProcessEnv;
    readonly cwd?: string;
    readonly maxOutputBytes?: number;
  },
  { signal }: Signalled,
): Promise<ProgramOutput> {
  signal.throwIfAborted();
  const child = spawnSealed(command.path, command.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: command.env ?? process.env,
    ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
  });
  const exited = exitOf(child);
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    const limit = command.maxOutputBytes ?? defaultMaxOutputBytes;
    const [exit, stdout, stderr] = await Promise.all([
      exited,
      collect(child.stdout, limit, kill),
      collect(child.stderr, limit, kill),
    ]);
    signal.throwIfAborted();
    return { ...exit, stdout, stderr };
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Settles once the process is gone; rejects when it could not be started at all. */
export function exitOf(child: ChildProcess): Promise<ProgramExit> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(
        new AppError(
          'PROGRAM_MISSING',
          `${child.spawnfile}: ${error.message}`,
          { program: child.spawnfile },
          {
            cause: error,
          },
        ),
      );
    });
    child.once('exit', (code, killedBy) => {
      resolve({ code, killedBy });
    });
  });
}

async function collect(stream: Readable, maxBytes: number, onTooMuch: () => void): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      onTooMuch();
      throw new AppError('INTERNAL', `A program printed more than ${maxBytes} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
