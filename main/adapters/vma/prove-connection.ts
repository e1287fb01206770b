import { AppError } from '../../../shared/errors.ts';
import type { Mapping } from '../../domain/device.ts';
import type { ExportClient, NbdExports } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { proveDevice } from '../processes/prove-device.ts';
import { waitUntil } from '../processes/wait-until.ts';
import type { VmaRun } from './run.ts';

/** The VMA says that it is connected: the server's child is there, or it is connected to something else. */
const appearWithinMs = 10_000;

/**
 * Rule D4 without ports, which tell nothing behind a tunnel: the one connection that prerun let in for this volume is
 * followed to the device that the server's child really has open, and the device tree is read anew.
 */
export async function proveConnection(
  { exports, hostAccess, clock, request }: VmaRun,
  options: Signalled,
): Promise<ExportClient> {
  const { mapping } = request;
  const look = async (): Promise<readonly ExportClient[] | null> => {
    const found = await connectionsFor(mapping, exports);
    return found.length === 0 ? null : found;
  };
  const found = await waitUntil(look, { clock, timeoutMs: appearWithinMs, everyMs: 10, ...options });
  if (found === null)
    throw new AppError('MOVER_FAILED', 'The VMA says that it is connected, and it is not to this export.');
  const [connection, ...others] = found;
  if (connection === undefined || found.some(({ volumeId, dev }) => !leadsTo(mapping, { volumeId, dev }))) {
    const seen = found.map(({ pid, dev }) => `${dev} (nbd-server pid ${String(pid)})`).join(', ');
    throw new AppError('DEVICE_CHANGED', `The export opened ${seen}, not ${mapping.device.dev}. Nothing was written.`, {
      volume_id: mapping.volumeId,
      expected: mapping.device.dev,
      connections: found.map(({ pid, dev, volumeId }) => ({ server_pid: pid, dev, volume_id: volumeId })),
    });
  }
  if (others.length > 0) throw notAlone(found);
  proveDevice(await hostAccess.snapshot(options), mapping);
  return connection;
}

const leadsTo = ({ volumeId, device }: Mapping, found: Pick<ExportClient, 'volumeId' | 'dev'>): boolean =>
  found.volumeId === volumeId && found.dev === device.dev;

/** Whatever came in for the volume, and whatever is on its device. */
const connectionsFor = async ({ volumeId, device }: Mapping, exports: NbdExports): Promise<readonly ExportClient[]> =>
  (await exports.clients()).filter((client) => client.volumeId === volumeId || client.dev === device.dev);

/** Throws when anybody but the proved connection has come in meanwhile: two writers are one too many (rule M1). */
export async function requireAlone({ exports, request }: VmaRun, proved: ExportClient): Promise<void> {
  const found = await connectionsFor(request.mapping, exports);
  if (found.some(({ pid }) => pid !== proved.pid)) throw notAlone(found);
}

function notAlone(found: readonly ExportClient[]): AppError {
  const pids = found.map(({ pid }) => pid).join(', ');
  return new AppError('MOVER_FAILED', `More than one connection came in for the export (nbd-server pids ${pids}).`);
}
