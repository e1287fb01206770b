import { AppError } from '../../../shared/errors.ts';
import type { Mapping } from '../../domain/device.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { GateProof } from '../../ports/mover.ts';
import type { ExportClient, NbdExports } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { openDescriptors, tcpSockets } from '../processes/proc.ts';
import { proveDevice } from '../processes/prove-device.ts';
import type { RunningProgram } from '../processes/start-program.ts';
import { waitUntil } from '../processes/wait-until.ts';

const connectTimeoutMs = 15_000;

/** nbdcopy runs with one connection: fewer means not connected yet, more is not what we started. */
const expectedConnections = 1;

/**
 * Rule D4: nbdcopy is connected and its source is paused, so nothing was written yet. Every connection is followed to
 * the server's child and to the device that child really has open, and the device tree is read anew. null when nbdcopy
 * ended before it was connected, `late` when it hangs before that: a server that is replaced in the middle may leave it so.
 */
export async function proveGate(
  context: {
    readonly mover: RunningProgram;
    readonly sourcePid: number;
    readonly mapping: Mapping;
    readonly exports: NbdExports;
    readonly hostAccess: HostAccess;
    readonly clock: Clock;
  },
  options: Signalled,
): Promise<{ readonly proof: GateProof; readonly clients: readonly ExportClient[] } | 'late' | null> {
  const { mover, mapping, exports, hostAccess, clock } = context;
  const found = await waitUntil<readonly ExportClient[] | 'ended'>(
    async () => {
      if (mover.exit() !== null) return 'ended';
      const clients = await clientsOf(mover.pid, exports);
      return clients.length === 0 ? null : clients;
    },
    { clock, timeoutMs: connectTimeoutMs, everyMs: 3, ...options },
  );
  if (found === 'ended') return null;
  if (found === null) return 'late';
  const wrong = found.filter(({ dev }) => dev !== mapping.device.dev);
  const connections = found.map(({ pid, dev }) => ({ serverPid: pid, dev }));
  if (wrong.length > 0 || connections.length !== expectedConnections) {
    const seen = connections.map(({ serverPid, dev }) => `${dev} (nbd-server pid ${serverPid})`).join(', ');
    throw new AppError('DEVICE_CHANGED', `The export opened ${seen}, not ${mapping.device.dev}. Nothing was written.`, {
      volume_id: mapping.volumeId,
      expected: mapping.device.dev,
      connections,
    });
  }
  proveDevice(await hostAccess.snapshot(options), mapping);
  return { proof: { moverPid: mover.pid, sourcePid: context.sourcePid, connections }, clients: found };
}

/** nbdcopy's own sockets to our port, matched with the server's by their port. */
async function clientsOf(moverPid: number, exports: NbdExports): Promise<readonly ExportClient[]> {
  const inodes = new Set(openDescriptors(moverPid).flatMap(({ socketInode }) => socketInode ?? []));
  const localPorts = new Set(
    tcpSockets()
      .filter(({ established, remotePort, inode }) => established && remotePort === exports.port && inodes.has(inode))
      .map(({ localPort }) => localPort),
  );
  if (localPorts.size === 0) return [];
  return (await exports.clients()).filter(({ peerPort }) => localPorts.has(peerPort));
}
