import {
  type ChildProcess,
  type ChildProcessByStdio,
  type SpawnOptions,
  type StdioOptions,
  spawn,
} from 'node:child_process';
import { closeSync, openSync, readdirSync } from 'node:fs';
import type { Readable } from 'node:stream';

type Options = Omit<SpawnOptions, 'stdio'> & { readonly stdio: Exclude<StdioOptions, string> };

type Piped = Options & { readonly stdio: readonly ['ignore' | Readable, 'pipe', 'pipe'] };
type Command = readonly [path: string, args: readonly string[]];

/**
 * Starts a program that gets the descriptors it was given and no others. Chromium opens its files without
 * close-on-exec: an nbd-server started from the window's process would hold them open for writing, and the gate
 * would rightly refuse what it cannot tell from devices (rule D4). Every inherited descriptor is /dev/null instead.
 */
export function spawnSealed(...call: [...Command, Piped]): ChildProcessByStdio<null, Readable, Readable>;
export function spawnSealed(...call: [...Command, Options]): ChildProcess;
export function spawnSealed(path: string, args: readonly string[], options: Options | Piped): ChildProcess {
  if (process.versions['electron'] === undefined) return spawn(path, args, { ...options, stdio: [...options.stdio] });
  const nothing = openSync('/dev/null', 'r');
  try {
    const highest = Math.max(...readdirSync('/proc/self/fd').map(Number));
    const filler = Array.from({ length: Math.max(0, highest + 1 - options.stdio.length) }, () => nothing);
    return spawn(path, args, { ...options, stdio: [...options.stdio, ...filler] });
  } finally {
    closeSync(nothing);
  }
}
