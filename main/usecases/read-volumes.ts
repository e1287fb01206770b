import type { Handlers } from '../../shared/contract/calls.ts';
import { AppError } from '../../shared/errors.ts';
import type { UsecaseParts } from './parts.ts';

export const listVolumes =
  ({ rows }: UsecaseParts): Handlers['listVolumes'] =>
  async ({ query }) => ({ volumes: await rows.volumes.list(query.limit) });

export const getOperation =
  ({ rows }: UsecaseParts): Handlers['getOperation'] =>
  async ({ params }) => {
    const operation = await rows.operations.get(params.id);
    if (operation === null) throw new AppError('NOT_FOUND', `No operation ${params.id}.`);
    return operation;
  };

export const listOperations =
  ({ rows }: UsecaseParts): Handlers['listOperations'] =>
  async ({ query }) => ({
    operations: await rows.operations.list({
      type: query.type,
      status: query.status,
      volumeId: query.volume_id,
      vmId: query.vm_id,
      limit: query.limit,
    }),
  });

/** The rows say what is meant to be open, /proc says who is connected right now (rule N4). */
export const listExports =
  ({ rows, exports }: UsecaseParts): Handlers['listExports'] =>
  async ({ query }) => {
    const [stored, clients, serverPid] = await Promise.all([
      rows.exports.list(query.limit),
      exports.clients(),
      exports.serverPid(),
    ]);
    return {
      server_pid: serverPid,
      port: exports.port,
      exports: stored.map((row) => ({
        ...row,
        clients:
          row.status === 'closed'
            ? []
            : clients
                .filter((client) => client.dev === row.dev)
                .map((client) => ({ pid: client.pid, peer_port: client.peerPort, bytes_written: client.bytesWritten })),
      })),
    };
  };
