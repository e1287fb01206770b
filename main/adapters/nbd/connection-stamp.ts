import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gone, processState } from '../processes/proc.ts';

/**
 * What prerun wrote of the server's child that it let in: `conn/<pid>` below the boot's folder. The start time goes with
 * the pid, and the boot id with the folder, so neither a pid that is used again nor an earlier boot proves anything.
 */
export function stampedVolume(root: string, pid: number): string | null {
  const bootId = gone(() => readFileSync(join(root, 'proc/sys/kernel/random/boot_id'), 'utf8'))?.trim() ?? '';
  if (bootId === '') return null;
  const stamp = readConnectionStamp(join(connFolder(root, bootId), String(pid)));
  return stamp !== null && stamp.started === processState(pid)?.startedTicks ? basename(stamp.link) : null;
}

/** Stamps of children that have ended; also the halves of those that were killed while theirs was written. */
export function sweepConnectionStamps(root: string): void {
  for (const bootId of entriesOf(join(root, 'run/ossea'))) {
    const folder = connFolder(root, bootId);
    for (const name of entriesOf(folder)) {
      const state = processState(Number(name.split('.')[0]));
      const started = readConnectionStamp(join(folder, name))?.started;
      // Half written: it stays as long as the process, whoever that is by now.
      const isCurrent =
        state !== null && state.state !== 'Z' && (started === undefined || started === state.startedTicks);
      if (!isCurrent) rmSync(join(folder, name), { force: true });
    }
  }
}

const connFolder = (root: string, bootId: string): string => join(root, 'run/ossea', bootId, 'conn');

const entriesOf = (folder: string): string[] => gone(() => readdirSync(folder)) ?? [];

function readConnectionStamp(path: string): { readonly link: string; readonly started: string } | null {
  const text = gone(() => readFileSync(path, 'utf8'));
  const found = /^link=(.+)\nstarted=(\d+)\ncomplete=yes\n$/.exec(text ?? '');
  return found?.[1] === undefined || found[2] === undefined ? null : { link: found[1], started: found[2] };
}
