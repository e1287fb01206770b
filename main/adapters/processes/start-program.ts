import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { Writable } from 'node:stream';
import { AppError } from '../../../shared/errors.ts';
import { exitOf, type ProgramExit } from './run-program.ts';
import { spawnSealed } from './sealed-spawn.ts';

export type RunningProgram = {
  readonly pid: number;
  readonly logPath: string;
  readonly exited: Promise<ProgramExit>;
  /** null while it runs. */
  exit(): ProgramExit | null;
  kill(signal: NodeJS.Signals): void;
  lastLines(): string;
};

/** Starts a program whose output goes to a file: it stays readable after this process was killed (rule M1). */
export function startProgram(command: {
  readonly path: string;
  readonly args: readonly string[];
  readonly logPath: string;
  readonly cwd?: string;
  /** Descriptor 3 of the program, for what may stand in no argument and no file. */
  readonly secret?: string;
}): RunningProgram {
  const log = openSync(command.logPath, 'a', 0o600);
  try {
    const child = spawnSealed(command.path, command.args, {
      stdio: ['ignore', log, log, ...(command.secret === undefined ? [] : (['pipe'] as const))],
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
    });
    if (command.secret !== undefined) hand(child, command.secret);
    let ended: ProgramExit | null = null;
    const exited = exitOf(child).then((exit) => {
      ended = exit;
      return exit;
    });
    if (child.pid === undefined) {
      // The spawn error arrives on `exited` too; it is consumed here because nobody gets the handle.
      exited.catch((error: unknown) => error);
      throw new AppError('PROGRAM_MISSING', `${command.path} could not be started.`, { program: command.path });
    }
    return {
      pid: child.pid,
      logPath: command.logPath,
      exited,
      exit: () => ended,
      kill: (signal) => {
        child.kill(signal);
      },
      lastLines: () => lastLines(command.logPath),
    };
  } finally {
    closeSync(log);
  }
}

function hand({ stdio }: ChildProcess, secret: string): void {
  const [, , , descriptor] = stdio;
  if (!(descriptor instanceof Writable)) return;
  // A program that ended before it read says so by its exit and its log.
  descriptor.on('error', (error) => error);
  descriptor.end(`${secret}\n`);
}

/** The last lines of an output file, for the cause of an error. */
export function lastLines(path: string, count = 5): string {
  return readFileSync(path, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}
