import type { Handlers } from '../../shared/contract/calls.ts';
import type { NbdExport } from '../../shared/contract/exports.ts';
import type { Operation } from '../../shared/contract/operations.ts';
import { AppError } from '../../shared/errors.ts';
import type { ExportClient } from '../ports/nbd-exports.ts';
import type { UsecaseParts } from './parts.ts';

export const listVolumes =
  ({ rows }: UsecaseParts): Handlers['listVolumes'] =>
  async ({ query }) => ({ volumes: await rows.volumes.list(query.limit) });

export const getOperation =
  ({ rows }: UsecaseParts): Handlers['getOperation'] =>
  async ({ params }) =>
    await requireOperation({ rows }, params.id);

export async function requireOperation({ rows }: Pick<UsecaseParts, 'rows'>, id: string): Promise<Operation> {
  const operation = await rows.operations.get(id);
  if (operation === null) throw new AppError('NOT_FOUND', `No operation ${id}.`);
  return operation;
}

export const listOperations =
  ({ rows }: UsecaseParts): Handlers['listOperations'] =>
  async ({ query }) => ({
    operations: await rows.operations.list({
      type: query.type,
      status: query.status,
      volumeId: query.volume_id,
      vmId: query.vm_id,
      since: query.since,
      until: query.until,
      limit: query.limit,
    }),
  });

/** The rows say what is meant to be open, /proc says who is connected right now (rule N4). */
export const listExports =
  ({ rows, exports }: UsecaseParts): Handlers['listExports'] =>
  async ({ query }) => {
    const [stored, legacy, clients, serverPid] = await Promise.all([
      rows.exports.list(query.limit),
      rows.exports.legacy(query.limit),
      exports.clients(),
      exports.serverPid(),
    ]);
    return {
      server_pid: serverPid,
      port: exports.port,
      exports: stored.map((row) => withClients(row, clients)),
      legacy,
    };
  };

/** An open export with the connections that /proc shows for its device. */
export const withClients = (row: NbdExport, clients: readonly ExportClient[]): NbdExport => ({
  ...row,
  clients:
    row.status === 'closed'
      ? []
      : clients
          .filter((client) => client.dev === row.dev)
          .map((client) => ({ pid: client.pid, peer_port: client.peerPort, bytes_written: client.bytesWritten })),
});
