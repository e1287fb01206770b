import { readFileSync, realpathSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import type { Programs } from '../compose.ts';

export type Surroundings = {
  readonly programs: Programs;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** True where the error output is a terminal that can redraw a line. */
  readonly redraws: boolean;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
};

/** This program is one file of the bundle; what it starts lies beside it. */
export function locatePrograms(self: string): Programs {
  const ossea = realpathSync(self);
  return { execPath: process.execPath, ossea, hasher: join(dirname(ossea), 'hasher.cjs') };
}

export function readVersion(programs: Programs): string {
  const manifest: unknown = JSON.parse(readFileSync(join(dirname(programs.ossea), '..', 'package.json'), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}

/** XDG base directory specification; an empty HOME has no place for data and says so. */
export function defaultDataDir(env: NodeJS.ProcessEnv, use: 'lab' | 'main' | 'vma'): string | null {
  const home = env['HOME'] === undefined ? homedir() : env['HOME'];
  const base = env['XDG_DATA_HOME'] ?? (home === '' ? null : join(home, '.local', 'share'));
  return base === null || base === '' ? null : join(base, 'ossea-migration-console', use);
}
