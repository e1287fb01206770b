import { readFileSync } from 'node:fs';
import type { ExportClient } from '../../ports/nbd-exports.ts';
import {
  bytesWrittenBy,
  commandLine,
  environmentOf,
  gone,
  isAlive,
  openDescriptors,
  pidsNow,
  processState,
  tcpSockets,
} from '../processes/proc.ts';
import { stampedVolume } from './connection-stamp.ts';

/**
 * Who belongs to our nbd-server, as /proc shows it. After a reload the children of the old parent are orphans, so
 * kinship says nothing: ours is what bears the name and was started with our configuration file.
 */
export function ourServerPids(configPath: string): number[] {
  return pidsNow().filter(
    (pid) => processState(pid)?.comm === 'nbd-server' && isAlive(pid) && commandLine(pid).includes(configPath),
  );
}

/** In the environment of our server and so of all that it starts: prerun and its programs inherit the listener. */
export const serverMark = (configPath: string): { readonly name: string; readonly value: string } => ({
  name: 'OSSEA_NBD_SERVER',
  value: configPath,
});

/** A process between fork and exec has neither arguments nor environment yet: whose it is shows at the next look. */
function ownerOf(pid: number, configPath: string): ListenHolder['owner'] {
  const { name, value } = serverMark(configPath);
  const environment = environmentOf(pid) ?? [];
  const command = commandLine(pid);
  if (command.includes(configPath) || environment.includes(`${name}=${value}`)) return 'us';
  return command.length === 0 || environment.every((entry) => entry === '') ? 'unknown' : 'stranger';
}

export type ListenHolder = { readonly pid: number; readonly owner: 'us' | 'stranger' | 'unknown' };

/** Whoever holds the listening socket: our parent, children that still negotiate, their prerun, or a stranger. */
export function listenHolders(configPath: string, port: number): ListenHolder[] {
  const inodes = listenInodes(port);
  if (inodes.size === 0) return [];
  return pidsNow()
    .filter((pid) => holdsSocket(pid, inodes))
    .map((pid) => ({ pid, owner: ownerOf(pid, configPath) }));
}

export function listenInodes(port: number): Set<string> {
  return new Set(
    tcpSockets()
      .filter(({ listening, localPort }) => listening && localPort === port)
      .map(({ inode }) => inode),
  );
}

const holdsSocket = (pid: number, inodes: ReadonlySet<string>): boolean =>
  openDescriptors(pid).some(({ socketInode }) => socketInode !== null && inodes.has(socketInode));

/** The pid in the pid file, if that process lives, is ours and owns the listener; nbd-server writes it before it binds. */
export function listeningServer(place: {
  readonly configPath: string;
  readonly pidPath: string;
  readonly port: number;
}): number | null {
  const pid = Number(gone(() => readFileSync(place.pidPath, 'utf8'))?.trim() ?? '');
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return null;
  return listenHolders(place.configPath, place.port).some((holder) => holder.pid === pid && holder.owner === 'us')
    ? pid
    : null;
}

/** Live connections of our server: one child each, its opened device, its peer, and for whom prerun let it in. */
export function serverClients({
  configPath,
  port,
  root,
}: {
  readonly configPath: string;
  readonly port: number;
  readonly root: string;
}): ExportClient[] {
  const peers = new Map(
    tcpSockets()
      .filter(({ established, localPort }) => established && localPort === port)
      .map(({ inode, remotePort }) => [inode, remotePort] as const),
  );
  return ourServerPids(configPath).flatMap((pid) => {
    const descriptors = openDescriptors(pid);
    const peerPort = descriptors
      .map(({ socketInode }) => peers.get(socketInode ?? ''))
      .find((found) => found !== undefined);
    const devices = writableDevs(descriptors);
    if (peerPort === undefined || devices.length === 0) return [];
    const bytesWritten = bytesWrittenBy(pid) ?? 0;
    const volumeId = stampedVolume(root, pid);
    return devices.map((dev) => ({ pid, dev, volumeId, peerPort, bytesWritten }));
  });
}

/** Our server's processes that have this device open for writing, whatever became of their connection. */
export function serverChildrenOn(configPath: string, dev: string): number[] {
  return ourServerPids(configPath).filter((pid) => writableDevs(openDescriptors(pid)).includes(dev));
}

/** Every process of the machine that has the device open (root sees all, an ordinary user his own). */
export function processesOn(dev: string): { readonly pid: number; readonly comm: string }[] {
  return pidsNow().flatMap((pid) => {
    if (!openDescriptors(pid).some((open) => open.dev === dev)) return [];
    return [{ pid, comm: processState(pid)?.comm ?? '?' }];
  });
}

const writableDevs = (descriptors: ReturnType<typeof openDescriptors>): string[] => [
  ...new Set(descriptors.flatMap(({ dev, writable }) => (dev !== null && writable ? [dev] : []))),
];
