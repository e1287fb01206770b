import { join, resolve } from 'node:path';
import { AppError } from '../shared/errors.ts';

export type CommandLine = { readonly lab: boolean; readonly dataDir: string };

/**
 * `[--lab] [--data-dir DIR]`; everything else on the line belongs to Electron and Chromium, which also take
 * switches of their own from it, so an unknown word is not an error here.
 */
export function readCommandLine(
  words: readonly string[],
  from: { readonly cwd: string; readonly home: string; readonly xdgDataHome: string | undefined },
): CommandLine {
  const lab = words.includes('--lab');
  const named = readValue(words, '--data-dir');
  if (named !== undefined) return { lab, dataDir: resolve(from.cwd, named) };
  const shared = from.xdgDataHome ?? (from.home === '' ? '' : join(from.home, '.local/share'));
  if (shared === '') throw new AppError('INVALID_REQUEST', 'There is no home directory: name one with --data-dir.');
  // One data directory is for the demo environment or for real sites, for life: two defaults, those of `ossea`.
  return { lab, dataDir: join(shared, 'ossea-migration-console', lab ? 'lab' : 'main') };
}

function readValue(words: readonly string[], flag: string): string | undefined {
  const joined = words.find((word) => word.startsWith(`${flag}=`));
  if (joined !== undefined) return required(flag, joined.slice(flag.length + 1));
  const at = words.indexOf(flag);
  return at === -1 ? undefined : required(flag, words[at + 1]);
}

function required(flag: string, value: string | undefined): string {
  if (value === undefined || value === '' || value.startsWith('--')) {
    throw new AppError('INVALID_REQUEST', `${flag} needs a directory.`);
  }
  return value;
}
