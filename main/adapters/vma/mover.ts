import { AppError, asAppError } from '../../../shared/errors.ts';
import { totalBytes } from '../../domain/extent.ts';
import type { RemoteDisk } from '../../domain/vm.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Mover, SegmentResult } from '../../ports/mover.ts';
import type { NbdExports } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { VmaClient } from './client.ts';
import { proveConnection } from './prove-connection.ts';
import { endedEarly, readRun, restarted, type VmaRun } from './run.ts';
import type { ClientOf } from './source.ts';
import { remoteDisk } from './source-vm.ts';
import { watchRun } from './watch-run.ts';

type Parts = {
  readonly clientOf: ClientOf;
  readonly exports: NbdExports;
  readonly hostAccess: HostAccess;
  readonly clock: Clock;
};

const pollEveryMs = 100;
/** The VMA bounds its own start; this bounds a VMA that answers and never gets there. */
const connectWithinMs = 180_000;

/**
 * The VMA runs nbdkit and nbdcopy, and its gate stays shut until this side has proved which device the connection is on
 * (rule D4). What happens before the gate is open can be given up at any doubt: not a byte was written.
 */
export function createVmaMover({ clientOf, ...parts }: Parts): Mover {
  return {
    name: 'vma',
    stopEarlier: async ({ source, jobId }, options) => {
      const disk = remoteDisk(source);
      await stopRun(clientOf(disk.siteId), { jobId, disk }, options);
    },
    copySegment: async (request, options) => {
      const disk = remoteDisk(request.source);
      const { jobId, waiting } = request;
      if (jobId === undefined || waiting === undefined)
        throw new AppError('INTERNAL', 'A run of a VMA needs the job it is for, and a way to show that it waits.');
      const run: VmaRun = { ...parts, client: clientOf(disk.siteId), request, disk, jobId, waiting };
      try {
        return await copyOnce(run, options);
      } catch (error) {
        await endRun(run);
        throw error;
      }
    },
  };
}

async function copyOnce(run: VmaRun, options: Signalled): Promise<SegmentResult> {
  const { request, clock, exports } = run;
  const startedMs = clock.monotonicMs();
  // What an earlier attempt left connected must not write beside this one (rules M1, N2).
  await exports.fence(request.mapping, options);
  await startAndConnect(run, options);
  const connection = await proveConnection(run, options);
  await openGate(run, options);
  await watchRun(run, connection, options);
  const bytesWritten = totalBytes(request.extents);
  request.onProgress?.(bytesWritten);
  const seconds = (clock.monotonicMs() - startedMs) / 1000;
  return { bytesWritten, seconds, gate: { connections: [{ serverPid: connection.pid, dev: connection.dev }] } };
}

function orderOf({ request, disk, jobId }: VmaRun) {
  const { target, mapping, extents, attempt } = request;
  return {
    job_id: jobId,
    vm_id: disk.vmId,
    attempt,
    snapshot: disk.snapshotMoRef,
    nbd_targets: [
      {
        disk_key: disk.diskKey,
        url: `nbd://${target.host}:${String(target.port)}/${target.exportName}`,
        device_bytes: mapping.device.sizeBytes,
        extents: extents.map((extent) => ({ ...extent })),
      },
    ],
  };
}

/** A reload of the server in this moment refuses everybody (rule N1): that is no failure of the run. */
async function startAndConnect(run: VmaRun, options: Signalled): Promise<void> {
  const { client, exports } = run;
  const server = await exports.serverPid();
  await client.call('replicate', { body: orderOf(run) }, options);
  try {
    await untilConnected(run, options);
  } catch (error) {
    options.signal.throwIfAborted();
    if (asAppError(error).code !== 'MOVER_FAILED' || server === (await exports.serverPid())) throw error;
    throw new AppError('EXPORT_FAILED', 'nbd-server was replaced while the VMA connected. Nothing was written.');
  }
}

async function untilConnected(run: VmaRun, options: Signalled): Promise<void> {
  const { clock } = run;
  const deadlineMs = clock.monotonicMs() + connectWithinMs;
  for (;;) {
    const row = await readRun(run, options);
    if (row === null) throw restarted();
    if (row.state === 'connected') return;
    if (row.state !== 'starting') throw endedEarly(row);
    if (clock.monotonicMs() > deadlineMs) throw new AppError('MOVER_FAILED', 'The VMA did not connect in time.');
    await clock.sleep(pollEveryMs, options);
  }
}

/** A lost answer is a doubt like any other: it throws, and the fence makes an open gate lead nowhere. */
async function openGate({ client, request, disk, jobId }: VmaRun, options: Signalled): Promise<void> {
  const body = { disk_key: disk.diskKey, attempt: request.attempt };
  try {
    await client.call('openGate', { params: { job_id: jobId }, body }, options);
  } catch (thrown) {
    const error = asAppError(thrown);
    // The mover ended at its gate: that is tried again.
    throw error.code === 'GATE_SHUT' ? new AppError('MOVER_FAILED', error.reason, error.details) : error;
  }
}

type OfDisk = { readonly jobId: string; readonly disk: RemoteDisk };

/** Answers when every mover of the disk is dead; a job that the VMA does not know has none. */
async function stopRun(client: VmaClient, { jobId, disk }: OfDisk, options: Signalled): Promise<void> {
  try {
    await client.call('cancelJob', { body: { job_id: jobId, disk_key: disk.diskKey } }, options);
  } catch (thrown) {
    const { code } = asAppError(thrown);
    if (code !== 'NOT_FOUND' && code !== 'UNKNOWN_DISK') throw thrown;
  }
}

/**
 * The fence ends the connection, whatever the VMA does: a mover that comes back from the dead writes into nothing. It is
 * told all the same; if it does not answer, the next attempt asks again and waits (rule M6).
 */
async function endRun({ client, request, disk, jobId, exports }: VmaRun): Promise<void> {
  // The caller's signal may be the reason why we are here; both have limits of their own.
  const { signal } = new AbortController();
  const told = stopRun(client, { jobId, disk }, { signal }).catch((reason: unknown) => reason);
  await exports.fence(request.mapping, { signal });
  await told;
}
