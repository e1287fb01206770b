import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Mapping } from '../../domain/device.ts';
import type { Clock } from '../../ports/clock.ts';
import type { HostAccess } from '../../ports/host-access.ts';
import type { NbdExports, OpenExport } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import { requireNotHeld } from '../processes/device-holders.ts';
import { writeDurably } from '../processes/durable-file.ts';
import { killProcess } from '../processes/proc.ts';
import { proveDevice } from '../processes/prove-device.ts';
import { waitUntil } from '../processes/wait-until.ts';
import { fenceDevice, settleDevice } from './close-export.ts';
import { type ConfigEditor, createConfigEditor } from './config-editor.ts';
import { exportNameOf, linkPathOf, placeLink, readStamp, removeLink } from './export-link.ts';
import { goExport } from './handshake.ts';
import { prerunScript } from './prerun-script.ts';
import { type ServerPlace, serverPlace } from './restart-server.ts';
import type { NbdTls } from './server-config.ts';
import { listenHolders, listeningServer, ourServerPids, serverClients } from './server-processes.ts';

const goAttempts = 6;
const goTimeoutMs = 5_000;
const stopTimeoutMs = 5_000;

/** Our own nbd-server instance (rule N3): the distribution's service and its files are never touched. */
export function createNbdServer({
  hostAccess,
  stateDir,
  port,
  nbdServerPath,
  tls = null,
  clock,
}: {
  readonly hostAccess: HostAccess;
  readonly stateDir: string;
  readonly port: number;
  readonly nbdServerPath: string;
  readonly tls?: NbdTls | null;
  readonly clock: Clock;
}): NbdExports {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  const place = serverPlace(stateDir, { nbdServerPath, port, tls, clock });
  const prerunPath = join(stateDir, 'prerun.sh');
  writeDurably(prerunPath, prerunScript, 0o700);
  const stopping = new AbortController();
  const editor = createConfigEditor({ place, prerunPath, hostAccess, stopped: stopping.signal });
  const { root } = hostAccess;

  const close = async (mapping: Mapping, options: Signalled) => {
    const name = exportNameOf(mapping.volumeId);
    const section = editor.sections().find((found) => found.name === name);
    const linkPath = section?.linkPath ?? linkPathOf(root, mapping);
    const stampedDev = readStamp(linkPath)?.dev ?? null;
    removeLink(linkPath);
    if (section !== undefined) await editor.apply({ kind: 'remove', name }, options);
    for (const dev of new Set([mapping.device.dev, stampedDev ?? mapping.device.dev])) {
      await fenceDevice({ dev, configPath: place.configPath, clock }, options);
    }
    await settleDevice({ mapping, hostAccess, clock }, options);
  };

  return {
    port,
    ensureOpen: async (mapping, options) => {
      const device = proveDevice(await hostAccess.snapshot(options), mapping);
      requireNotHeld(device);
      await retireOther({ mapping, editor, place, root }, options);
      placeLink(root, mapping);
      const opened: OpenExport = {
        exportName: exportNameOf(mapping.volumeId),
        volumeId: mapping.volumeId,
        mapping,
        linkPath: linkPathOf(root, mapping),
        host: '127.0.0.1',
        port,
        ...(tls === null ? {} : { tlsDir: tls.ownDir }),
      };
      await openAndCheck({ opened, editor, hostAccess, clock }, options);
      return opened;
    },
    close,
    fence: (mapping, options) => fenceDevice({ dev: mapping.device.dev, configPath: place.configPath, clock }, options),
    clients: async () => await Promise.resolve().then(() => serverClients(place.configPath, port)),
    listed: async () => await Promise.resolve().then(() => editor.sections().map(({ name }) => name)),
    serverPid: async () => await Promise.resolve().then(() => listeningServer(place)),
    stop: async () => {
      stopping.abort(new AppError('CANCELLED', 'The NBD server is being stopped.'));
      // A reload under way could start a server after the one below was stopped.
      await editor.idle();
      await stopServer(place);
    },
  };
}

/** A link is never re-pointed while its export is open (rule D3): what the name led to before is closed first. */
async function retireOther(
  context: {
    readonly mapping: Mapping;
    readonly editor: ConfigEditor;
    readonly place: ServerPlace;
    readonly root: string;
  },
  options: Signalled,
): Promise<void> {
  const { mapping, editor, place, root } = context;
  const name = exportNameOf(mapping.volumeId);
  const section = editor.sections().find((found) => found.name === name);
  if (section === undefined) return;
  const stamp = readStamp(section.linkPath);
  const same =
    section.linkPath === linkPathOf(root, mapping) &&
    stamp?.dev === mapping.device.dev &&
    stamp.diskseq === (mapping.device.diskseq ?? '') &&
    stamp.sys === join(root, 'sys/block', mapping.device.name);
  if (same) return;
  removeLink(section.linkPath);
  await editor.apply({ kind: 'remove', name }, options);
  if (stamp !== null) {
    await fenceDevice({ dev: stamp.dev, configPath: place.configPath, clock: place.clock }, options);
  }
}

/**
 * The section, and then the handshake that a mover will make: right name, right size, flush offered. When a reload for
 * somebody else cut it off, asking for the section again waits that reload out.
 */
async function openAndCheck(
  context: {
    readonly opened: OpenExport;
    readonly editor: ConfigEditor;
    readonly hostAccess: HostAccess;
    readonly clock: Clock;
  },
  options: Signalled,
): Promise<void> {
  const { opened, editor, hostAccess, clock } = context;
  const section = { name: opened.exportName, linkPath: opened.linkPath };
  const { device } = opened.mapping;
  let trouble: unknown = null;
  for (let attempt = 1; attempt <= goAttempts; attempt += 1) {
    await editor.apply({ kind: 'add', section }, options);
    try {
      const { sizeBytes, flags } = await withGoLimit((limited) => goExport(opened, opened.exportName, limited), {
        clock,
        ...options,
      });
      if (sizeBytes !== device.sizeBytes) {
        throw new AppError('DEVICE_CHANGED', `${opened.exportName} has ${sizeBytes} bytes, not ${device.sizeBytes}.`);
      }
      requireFlush(flags, opened.exportName);
      return;
    } catch (error) {
      options.signal.throwIfAborted();
      // prerun says only no; the snapshot says why.
      proveDevice(await hostAccess.snapshot(options), opened.mapping);
      if (!(error instanceof AppError) || error.code !== 'EXPORT_FAILED') throw error;
      trouble = error;
    }
  }
  throw trouble;
}

/** Without FLUSH a copy can lose data and still end with success (rule N3). */
function requireFlush(flags: number, exportName: string): void {
  const sendFlush = 4;
  if ((flags & sendFlush) === 0) throw new AppError('EXPORT_FAILED', `${exportName} does not offer FLUSH.`);
}

async function withGoLimit<T>(
  work: (options: Signalled) => Promise<T>,
  { clock, signal }: Signalled & { readonly clock: Clock },
): Promise<T> {
  const limit = new AbortController();
  const done = new AbortController();
  const forward = () => {
    limit.abort(signal.reason);
  };
  signal.addEventListener('abort', forward, { once: true });
  const timer = clock.sleep(goTimeoutMs, { signal: done.signal }).then(
    () => {
      limit.abort(new AppError('EXPORT_FAILED', `nbd-server did not answer within ${goTimeoutMs} ms.`));
    },
    (reason: unknown) => reason,
  );
  try {
    return await work({ signal: limit.signal });
  } finally {
    signal.removeEventListener('abort', forward);
    done.abort(new AppError('CANCELLED'));
    await timer;
  }
}

/** Ours and nothing else: a stranger on the port is no reason not to end. */
async function stopServer(place: ServerPlace): Promise<void> {
  // Stopping is itself the answer to an abort, so it has its own bound instead of a caller's signal.
  const { signal } = new AbortController();
  const ended = await waitUntil(
    () => {
      const holders = listenHolders(place.configPath, place.port).filter(({ owner }) => owner !== 'stranger');
      const ours = holders.filter(({ owner }) => owner === 'us').map(({ pid }) => pid);
      const pids = [...ourServerPids(place.configPath), ...ours];
      for (const pid of pids) killProcess(pid);
      return holders.length + pids.length === 0 ? true : null;
    },
    { clock: place.clock, timeoutMs: stopTimeoutMs, signal },
  );
  if (ended === null) throw new AppError('EXPORT_NOT_CLOSED', 'nbd-server processes did not end.');
}
