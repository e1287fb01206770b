import { AppError } from '../../../shared/errors.ts';
import type { Extent } from '../../domain/extent.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { Mover, SegmentRequest, SegmentResult } from '../../ports/mover.ts';
import type { ExportClient, NbdExports } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { findProgram } from '../processes/find-program.ts';
import { bytesWrittenBy } from '../processes/proc.ts';
import { runProgram } from '../processes/run-program.ts';
import { type CopyContext, runCopy } from './copy-run.ts';
import { proveGate } from './gate.ts';
import { lockHeldExitCode, nbdcopyFailure } from './nbdcopy-outcome.ts';
import { prepareRunFiles, removeLeftovers } from './run-files.ts';

type MoverContext = CopyContext & { readonly hostAccess: HostAccess; readonly exports: NbdExports };

/** Other volumes may reload the server again and again meanwhile: bounded by time, not by a count. */
const connectWithinMs = 60_000;

/** Copies into an export of this machine; the gate is the proof of the device behind it (rule D4). */
export function createNbdcopyMover(context: MoverContext): Mover {
  removeLeftovers(context.stateDir);
  return {
    name: 'nbdcopy',
    copySegment: async (request, options) => {
      requireSegment(request);
      await requireUnlocked(context, request, options);
      // What an earlier attempt left connected must not write beside this one (rules M1, N2).
      await context.exports.fence(request.mapping, options);
      const deadlineMs = context.clock.monotonicMs() + connectWithinMs;
      for (;;) {
        const result = await tryOnce(context, request, options);
        if (result !== 'refused') return result;
        if (context.clock.monotonicMs() > deadlineMs) {
          throw new AppError(
            'MOVER_FAILED',
            `${request.target.exportName} refused every connection for ${connectWithinMs / 1000} s.`,
          );
        }
        await context.exports.ensureOpen(request.mapping, options);
      }
    },
  };
}

function requireSegment({ extents, mapping, source, sourceBytes }: SegmentRequest): void {
  const last: Extent | undefined = extents.at(-1);
  if (last === undefined || last.offset + last.length > mapping.device.sizeBytes) {
    throw new AppError('INTERNAL', 'A segment is empty or reaches past the end of the device.');
  }
  if (sourceBytes > mapping.device.sizeBytes) {
    throw new AppError('INTERNAL', `${source.path} is larger than ${mapping.device.path}.`);
  }
}

/** Asks before the fence: a second caller must not cut off the writer that holds the lock. */
async function requireUnlocked(context: MoverContext, request: SegmentRequest, options: Signalled): Promise<void> {
  const files = prepareRunFiles(context.stateDir, request.mapping.volumeId, request.attempt);
  try {
    const args = ['-n', '-E', String(lockHeldExitCode), files.lockPath, findProgram('true')];
    const exit = await runProgram({ path: findProgram('flock'), args }, options);
    if (exit.code !== 0) throw nbdcopyFailure(exit, exit.stderr);
  } finally {
    files.remove();
  }
}

async function tryOnce(
  context: MoverContext,
  { source, extents, mapping, target, attempt, jobId, waiting, onGate, onProgress }: SegmentRequest,
  options: Signalled,
): Promise<SegmentResult | 'refused'> {
  const { exports, hostAccess, clock } = context;
  const result = await runCopy(
    context,
    {
      source,
      extents,
      deviceBytes: mapping.device.sizeBytes,
      targetUri: uriOf(target),
      name: mapping.volumeId,
      attempt,
      jobId: jobId ?? null,
      waiting,
      gate: async (at, how) => {
        const gate = await proveGate({ ...at, mapping, exports, hostAccess, clock }, how);
        if (gate !== null && gate !== 'late') onGate?.(gate.proof);
        return gate;
      },
      written: ({ clients }) => writtenBy(clients),
      fence: () => exports.fence(mapping, { signal: new AbortController().signal }),
      onProgress,
    },
    options,
  );
  return result === 'refused' ? result : { ...result, gate: result.gate.proof };
}

function uriOf({ host, port, exportName, tlsDir }: SegmentRequest['target']): string {
  const address = `${host}:${String(port)}/${exportName}`;
  return tlsDir === undefined ? `nbd://${address}` : `nbds://${address}?tls-certificates=${encodeURIComponent(tlsDir)}`;
}

/** What the server's children have written since they stood at the gate. */
const writtenBy = (clients: readonly ExportClient[]): number =>
  clients.reduce((sum, { pid, bytesWritten: before }) => sum + ((bytesWrittenBy(pid) ?? before) - before), 0);
