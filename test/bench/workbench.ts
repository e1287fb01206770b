import { createCipheriv, createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../main/adapters/processes/find-program.ts';
import { runProgram } from '../../main/adapters/processes/run-program.ts';
import { AppError, asAppError } from '../../shared/errors.ts';

export const mib = 1024 ** 2;
export const gib = 1024 ** 3;

export type Workbench = {
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly rounds: number;
  /** Small sizes: to see that the measurement runs, not to judge by. */
  readonly quick: boolean;
  /** A file of that many bytes, none of its blocks zero; made once. */
  denseImage(bytes: number): Promise<string>;
  remove(): void;
};

export function openWorkbench(options: Pick<Workbench, 'signal' | 'rounds' | 'quick'>): Workbench {
  const folder = mkdtempSync(join(tmpdir(), 'ossea-bench-'));
  const made = new Map<number, Promise<string>>();
  return {
    ...options,
    folder,
    denseImage: (bytes) => {
      const known = made.get(bytes) ?? writeDense(join(folder, `dense-${bytes}.raw`), bytes);
      made.set(bytes, known);
      return known;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** AES-CTR under a fixed key: the same bytes at every run, and nothing that compresses or counts as a hole. */
async function writeDense(path: string, bytes: number): Promise<string> {
  const key = createHash('sha256').update('ossea bench').digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  const zeroes = Buffer.alloc(4 * mib);
  const file = await open(path, 'w');
  try {
    for (let left = bytes; left > 0; left -= zeroes.length) {
      await file.writeFile(cipher.update(zeroes.subarray(0, Math.min(left, zeroes.length))));
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return path;
}

/** null when the set-up of this machine did not bring it: the row then says so. */
export function findPeer(name: string): string | null {
  try {
    return findProgram(name);
  } catch (error) {
    if (asAppError(error).code !== 'PROGRAM_MISSING') throw error;
    return null;
  }
}

export const notHere = (name: string): string => `${name}: not here`;

type Command = readonly [path: string, ...args: string[]];

/** Runs a program to its end; any failure of it is ours. */
export async function runOne([path, ...args]: Command, options: { readonly signal: AbortSignal }): Promise<void> {
  const exit = await runProgram({ path, args }, options);
  if (exit.code !== 0) throw new Error(`${path} ${args.join(' ')} ended with ${String(exit.code)}: ${exit.stderr}`);
}

/** Seconds of the monotonic clock. */
export async function secondsOf(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

export const required = (name: string): string => {
  const path = findPeer(name);
  if (path === null) throw new AppError('PROGRAM_MISSING', `${name} is needed to measure at all.`);
  return path;
};
