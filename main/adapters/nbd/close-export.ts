import { closeSync, fstatSync, fsyncSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Mapping } from '../../domain/device.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { requireNotHeld } from '../processes/device-holders.ts';
import { findProgram } from '../processes/find-program.ts';
import { devOf, isAlive, killProcess, processState } from '../processes/proc.ts';
import { runProgram } from '../processes/run-program.ts';
import { waitUntil } from '../processes/wait-until.ts';
import { processesOn, serverChildrenOn } from './server-processes.ts';

const releaseTimeoutMs = 5_000;

const isServer = (pid: number): boolean => isAlive(pid) && processState(pid)?.comm === 'nbd-server';

/** Kills our server's children on the device and waits until none has it open: a writer's next write fails. */
export async function fenceDevice(
  { dev, configPath, clock }: { readonly dev: string; readonly configPath: string; readonly clock: Clock },
  options: Signalled,
): Promise<void> {
  const killed = new Set<number>();
  const fenced = await waitUntil(
    () => {
      for (const pid of serverChildrenOn(configPath, dev)) {
        killProcess(pid);
        killed.add(pid);
      }
      // A process that dies loses its command line, by which we know it, before it lets go of its files.
      return [...killed].some(isServer) ? null : true;
    },
    { clock, timeoutMs: releaseTimeoutMs, ...options },
  );
  if (fenced !== null) return;
  const pids = serverChildrenOn(configPath, dev);
  throw new AppError('EXPORT_NOT_CLOSED', `nbd-server processes ${pids.join(', ')} do not let go of ${dev}.`, { pids });
}

/** The end of rule N2: nobody and no holder has the device, and its buffers are on the disk. */
export async function settleDevice(
  { mapping, hostAccess, clock }: { readonly mapping: Mapping; readonly hostAccess: HostAccess; readonly clock: Clock },
  options: Signalled,
): Promise<void> {
  const { dev } = mapping.device;
  const free = await waitUntil(() => (processesOn(dev).length === 0 ? true : null), {
    clock,
    timeoutMs: releaseTimeoutMs,
    everyMs: 20,
    ...options,
  });
  if (free === null) {
    const holders = processesOn(dev);
    const names = holders.map(({ pid, comm }) => `${comm} (pid ${pid})`).join(', ');
    throw new AppError('EXPORT_NOT_CLOSED', `${mapping.device.path} is still open in ${names}.`, { holders });
  }
  const snapshot = await hostAccess.snapshot(options);
  // After a reboot or a swap another device may bear the name: only the one that was exported is flushed.
  const device = snapshot.devices.find((found) => found.dev === dev && found.diskseq === mapping.device.diskseq);
  if (device === undefined) return;
  requireNotHeld(device);
  await flushBuffers({ path: join(hostAccess.root, device.path), mapping, hostAccess }, options);
}

/**
 * fsync first: BLKFLSBUF drops the page cache but does not report a failed write-back (rule P1).
 * A regular file in place of a device knows no BLKFLSBUF; there fsync is all, and the proof reads past the cache.
 * The disk is opened first and looked at then: while a descriptor holds it, nothing else bears its number.
 */
async function flushBuffers(target: FlushTarget, options: Signalled): Promise<void> {
  const { path, mapping, hostAccess } = target;
  const file = openSync(path, 'r+');
  try {
    const opened = fstatSync(file, { bigint: true });
    const snapshot = await hostAccess.snapshot(options);
    const device = snapshot.devices.find(({ name }) => name === mapping.device.name);
    if (devOf(opened) !== mapping.device.dev || device?.diskseq !== mapping.device.diskseq) {
      throw new AppError('EXPORT_NOT_CLOSED', `${path} became another disk; its buffers were not flushed.`);
    }
    syncFile(file, path);
    if (!opened.isBlockDevice()) return;
    // By the descriptor: the name may be another disk's by the time the program opens it.
    const byDescriptor = `/proc/${String(process.pid)}/fd/${String(file)}`;
    const flush = { path: findProgram('blockdev'), args: ['--flushbufs', byDescriptor] };
    const flushed = await runProgram(flush, options);
    if (flushed.code !== 0) {
      throw new AppError('EXPORT_NOT_CLOSED', `Flushing ${path} failed: ${flushed.stderr.trim()}`, { path });
    }
  } finally {
    closeSync(file);
  }
}

type FlushTarget = { readonly path: string; readonly mapping: Mapping; readonly hostAccess: HostAccess };

function syncFile(file: number, path: string): void {
  try {
    fsyncSync(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('EXPORT_NOT_CLOSED', `Flushing ${path} failed: ${reason}`, { path }, { cause: error });
  }
}
