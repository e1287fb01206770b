import { watch } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../../ports/log.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { exitOf } from '../processes/run-program.ts';
import { spawnSealed } from '../processes/sealed-spawn.ts';

/**
 * News of disks, by kernel name, sooner than the next tick. Only hints: without them the tick finds everything, at most
 * half a second later. So a source that is missing or ends is said in the log, once, and is no failure.
 */
export type DeviceEvents = {
  /** Until the signal fires or the source ends; resolves when nothing of it is left. Never rejects. */
  run(onEvent: (name: string) => void, options: Signalled): Promise<void>;
};

type Options = { readonly log: Log; readonly monitorPath?: () => string };

/** sysfs of a real host sends no inotify events, its kernel does by netlink; a tree of files is the other way round. */
export const createDeviceEvents = (root: string, options: Options): DeviceEvents =>
  root === '/' ? createKernelEvents(options) : createFolderEvents(join(root, 'sys/block'), options);

/** `KERNEL[20118.797357] change   /devices/pci0000:00/.../virtio3/block/vdb/vdb1 (block)`: news of vdb. */
const line = /^KERNEL\[[^\]]*\]\s+\w+\s+\S*?\/block\/([^/\s]+)/;

export function createKernelEvents({ log, monitorPath = () => findProgram('udevadm') }: Options): DeviceEvents {
  const once = sayOnce(log);
  return {
    run: async (onEvent, { signal }) => {
      if (signal.aborted) return;
      try {
        const udevadm = [monitorPath(), 'monitor', '--kernel', '--subsystem-match=block'];
        // The daemon may be killed: its monitor must not outlive it.
        const child = spawnSealed(findProgram('setpriv'), ['--pdeathsig', 'KILL', ...udevadm], {
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        const kill = () => child.kill('SIGKILL');
        signal.addEventListener('abort', kill, { once: true });
        const said: string[] = [];
        child.stderr.on('data', (part: Buffer) => said.push(part.toString('utf8')));
        createInterface(child.stdout).on('line', (text) => {
          const name = line.exec(text)?.[1];
          if (name !== undefined) onEvent(name);
        });
        const exit = await exitOf(child).finally(() => {
          signal.removeEventListener('abort', kill);
        });
        // An event listener's signal may have fired in the meantime; the linter cannot see that.
        if (!(signal as { aborted: boolean }).aborted) once('udevadm monitor ended', { ...exit, said: said.join('') });
      } catch (error) {
        const reason = error instanceof AppError ? error.reason : undefined;
        once(reason ?? String(error), {});
      }
    },
  };
}

function createFolderEvents(folder: string, { log }: Options): DeviceEvents {
  const once = sayOnce(log);
  return {
    run: (onEvent, { signal }) =>
      new Promise((resolve) => {
        const end = (reason: unknown) => {
          if (!signal.aborted) once(reason instanceof Error ? reason.message : String(reason), {});
          resolve();
        };
        try {
          const watcher = watch(folder, { persistent: false, signal }, (_type, name) => {
            if (typeof name === 'string') onEvent(name);
          });
          watcher.on('error', end).on('close', () => {
            end('closed');
          });
        } catch (error) {
          // No folder yet, or no inotify instance left.
          end(error);
        }
      }),
  };
}

function sayOnce(log: Log): (reason: string, fields: Readonly<Record<string, unknown>>) => void {
  let isSaid = false;
  return (reason, fields) => {
    if (isSaid) return;
    isSaid = true;
    log.warn('no device events; the device tree is looked at every half second', { reason, ...fields });
  };
}
