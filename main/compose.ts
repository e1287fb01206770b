import { createClient } from '../shared/client/client.ts';
import { createHttpTransport } from '../shared/client/http-transport.ts';
import type { Transport } from '../shared/client/transport.ts';
import { AppError, asAppError } from '../shared/errors.ts';
import { startDaemon } from './composition/daemon.ts';
import { readEndpoint } from './composition/endpoint-file.ts';
import type { Programs } from './composition/programs.ts';
import type { Log } from './ports/log.ts';
import type { Keyring } from './ports/vault.ts';

export { findProgram } from './adapters/processes/find-program.ts';
export { createLog } from './adapters/system/log.ts';
export { startDaemon } from './composition/daemon.ts';
export type { Programs } from './composition/programs.ts';
export { openVault } from './composition/vault.ts';
export { startVma } from './composition/vma.ts';

export type OpenConsole = {
  readonly transport: Transport;
  readonly mode: 'in-process' | 'client';
  readonly lab: boolean;
  readonly dataDir: string;
  /** Migrations that are neither finished nor held. */
  unfinished(): Promise<number>;
  close(): Promise<void>;
};

type Options = {
  readonly dataDir: string;
  readonly lab: boolean;
  readonly version: string;
  readonly programs: Programs;
  readonly log: Log;
  readonly keyring?: Keyring;
};

/** One data directory, one daemon: this process becomes it, or the client of the one that is there. */
export async function openConsole(options: Options): Promise<OpenConsole> {
  const { dataDir } = options;
  try {
    const daemon = await startDaemon({ ...options, port: 0 });
    return {
      transport: daemon.transport,
      mode: 'in-process',
      lab: options.lab,
      dataDir,
      unfinished: () => countUnfinished(daemon.transport),
      close: daemon.close,
    };
  } catch (error) {
    if (asAppError(error).code !== 'DATA_DIR_IN_USE') throw error;
    const { transport, lab, role } = connect(dataDir);
    if (role === 'vma') throw new AppError('DATA_DIR_KIND', `A VMA works on ${dataDir}.`);
    // The daemon is another process: it goes on, so closing this console interrupts nothing.
    return {
      transport,
      mode: 'client',
      lab,
      dataDir,
      unfinished: () => Promise.resolve(0),
      close: () => Promise.resolve(),
    };
  }
}

/** A client of the daemon that works on a data directory. */
export function connect(dataDir: string): {
  readonly transport: Transport;
  readonly lab: boolean;
  readonly role: 'oma' | 'vma';
} {
  const endpoint = readEndpoint(dataDir);
  if (endpoint === null)
    throw new AppError('DAEMON_UNREACHABLE', `No daemon works on ${dataDir}, or it is just starting.`);
  const transport = createHttpTransport({
    origin: endpoint.url,
    headers: { Authorization: `Bearer ${endpoint.token}` },
    fetch: (url, init) => fetch(url, init),
  });
  return { transport, lab: endpoint.lab, role: endpoint.role };
}

async function countUnfinished(transport: Transport): Promise<number> {
  const client = createClient(transport);
  const { migrations } = await client.call(
    'listMigrations',
    { query: { limit: 1000 } },
    { signal: new AbortController().signal },
  );
  return migrations.filter((job) => job.completed_at === null && job.status !== 'held').length;
}
