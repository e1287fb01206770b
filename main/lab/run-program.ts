import { execFile } from 'node:child_process';
import { delimiter } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { hasCode } from './json-file.ts';

export type ProgramEnd = { readonly code: number; readonly stdout: string; readonly stderr: string };

type ProgramOptions = { readonly env?: Readonly<Record<string, string>>; readonly debianPackage: string };

/** Runs a program to its end. A missing one is PROGRAM_MISSING; a failing one is for the caller to judge. */
export function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<ProgramEnd> {
  // An ordinary user's PATH on Debian lacks the folders of mke2fs and losetup.
  const path = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin${delimiter}/sbin`;
  const env = { ...process.env, LC_ALL: 'C', ...options.env, PATH: path };
  return new Promise((resolve, reject) => {
    execFile(program, [...args], { env, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ code: 0, stdout, stderr });
      } else if (hasCode(error, 'ENOENT')) {
        reject(
          new AppError('PROGRAM_MISSING', `${program} was not found; it is in the package ${options.debianPackage}.`),
        );
      } else if (typeof error.code === 'number') {
        resolve({ code: error.code, stdout, stderr });
      } else {
        reject(new AppError('INTERNAL', `${program} was ended: ${error.message}`, undefined, { cause: error }));
      }
    });
  });
}
