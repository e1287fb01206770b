import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../log.ts';
import { pick } from '../random.ts';
import type { HostDevice, LabVolume } from '../state.ts';
import type { Store } from '../store.ts';
import type { BackingFiles } from './backing-files.ts';
import type { NodeMaker } from './loops.ts';
import type { HostTree } from './tree.ts';

/** What the appliance is made of. */
export type Host = {
  readonly store: Store;
  readonly tree: HostTree;
  readonly files: BackingFiles;
  readonly nodes: NodeMaker;
  /** Everything of the lab is below it; loop devices over files in it are ours. */
  readonly dir: string;
  readonly rootDisk: string;
  readonly log: Log;
};

const letters = 'bcdefghijklmnopqrstuvwxyz'.split('');
const singleNames = letters.map((letter) => `vd${letter}`);
const everyLetter = ['a', ...letters];
const doubleNames = everyLetter.flatMap((first) => everyLetter.map((second) => `vd${first}${second}`));

export const deviceOf = ({ store }: Host, volumeId: string): HostDevice | undefined =>
  store.state.host.devices.find((device) => device.volumeId === volumeId);

/** What the guest has: the data disks that CloudStack attached, and those that CloudStack has forgotten. */
export const attachedVolumes = ({ store: { state } }: Host): LabVolume[] =>
  state.volumes.filter(
    (volume) =>
      !volume.removed &&
      ((volume.vmId === state.ids.omaVm && volume.type === 'DATADISK') ||
        state.host.orphans.some((orphan) => orphan.volumeId === volume.id)),
  );

export const backingOf = ({ files, rootDisk }: Host, volumeId: string | null): string =>
  volumeId === null ? rootDisk : files.path(volumeId);

function freeName({ store: { state } }: Host, avoid: string | undefined): string {
  const used = new Set(state.host.devices.map((device) => device.name));
  const free = (names: readonly string[]): string[] => names.filter((name) => !used.has(name) && name !== avoid);
  const name = pick(state.random, free(singleNames)) ?? pick(state.random, free(doubleNames));
  if (name === undefined) throw new AppError('INTERNAL', 'The appliance has no free device name.');
  return name;
}

export async function appear(host: Host, device: Omit<HostDevice, 'dev' | 'node' | 'diskseq'>): Promise<void> {
  const { host: kernel } = host.store.state;
  const node = await host.nodes.make(backingOf(host, device.volumeId));
  const made: HostDevice = { ...device, ...node, diskseq: kernel.nextDiskseq };
  kernel.nextDiskseq += 1;
  kernel.ghosts = kernel.ghosts.filter((ghost) => ghost !== node.node);
  kernel.devices.push(made);
  // First the books: a sequence number that a watcher has seen is never given a second time, whatever kills us now.
  await host.store.flush();
  await host.tree.add(made);
}

export async function plugNow(
  host: Host,
  volume: LabVolume,
  names: { readonly name?: string | undefined; readonly avoid?: string | undefined } = {},
): Promise<void> {
  if (deviceOf(host, volume.id) !== undefined) return;
  await host.files.ensure(volume.id, volume.sizeBytes);
  await appear(host, {
    volumeId: volume.id,
    name: names.name ?? freeName(host, names.avoid),
    serial: host.store.state.settings.serials === 'none' ? '' : volume.id.replaceAll('-', '').slice(0, 20),
    sizeBytes: volume.sizeBytes,
  });
}

export async function forget(host: Host, device: HostDevice): Promise<void> {
  const { devices } = host.store.state.host;
  await host.tree.remove(device);
  devices.splice(devices.indexOf(device), 1);
}

/** Entry first: nobody may find a freed loop number, soon another volume's, under this volume's name. */
export async function unplugNow(host: Host, volumeId: string): Promise<'gone' | 'held'> {
  const timeoutMs = host.store.state.settings.detach_wait_ms;
  const device = deviceOf(host, volumeId);
  if (device !== undefined) await forget(host, device);
  const backing = backingOf(host, volumeId);
  const { ghosts } = host.store.state.host;
  const loops = (await host.nodes.existing(host.dir)).filter(
    (loop) => loop.backingFile === backing && !ghosts.includes(loop.node),
  );
  const gone = await Promise.all(loops.map((loop) => host.nodes.release(loop.node, backing, timeoutMs)));
  return gone.every(Boolean) ? 'gone' : 'held';
}

/** A disk that grows in the running guest keeps its name, number and sequence number. */
export async function resizeNow(host: Host, volume: LabVolume, sizeBytes: number): Promise<void> {
  await host.files.ensure(volume.id, sizeBytes);
  const device = deviceOf(host, volume.id);
  if (device === undefined) return;
  await host.nodes.grow(device.node);
  device.sizeBytes = sizeBytes;
  await host.store.flush();
  await host.tree.add(device);
}

/** Loop devices over our files that no device of the appliance stands for. Returns those that something still holds. */
export async function releaseLeftOvers(host: Host, timeoutMs: number): Promise<string[]> {
  const wanted = new Set(host.store.state.host.devices.map((device) => device.node));
  const leftOver = (await host.nodes.existing(host.dir)).filter((loop) => !wanted.has(loop.node));
  const outcomes = await Promise.all(
    leftOver.map(async (loop) => ({
      node: loop.node,
      gone: await host.nodes.release(loop.node, loop.backingFile, timeoutMs),
    })),
  );
  const held = outcomes.filter((outcome) => !outcome.gone).map((outcome) => outcome.node);
  if (held.length > 0) host.log('warn', 'Loop devices are still held; they go when they are let go', { held });
  return held;
}
