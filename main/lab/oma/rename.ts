import { nextFraction, type RandomState } from '../random.ts';
import type { HostDevice } from '../state.ts';
import { appear, forget, type Host } from './devices.ts';
import { openNodes } from './openers.ts';

const RELEASE_MS = 200;

/**
 * Two disks of one size exchange their names. The real event: both were detached and attached again in the other order,
 * behind the daemon's back (another console, an operator, a straggling job); a boot does the same to all disks at once.
 * So each comes back as a new disk: a new sequence number, a new node under the name, the same serial and the same bytes.
 * A disk that a process has open is left alone: a guest kernel keeps its name until the last descriptor is closed. A process
 * that opens one while we look keeps the node it opened, which goes on to be that disk and stands under no name any more.
 */
export async function renameSomePair(host: Host, random: RandomState): Promise<readonly [string, string] | null> {
  const { host: kernel } = host.store.state;
  const disks = kernel.devices.filter((device) => device.volumeId !== null);
  const open = await openNodes(disks.map((device) => device.node));
  const idle = disks.filter((device) => !open.has(device.node));
  const pairs = idle.flatMap((a, index) =>
    idle.slice(index + 1).flatMap((b) => (a.sizeBytes === b.sizeBytes ? [[a, b] as const] : [])),
  );
  const pair = pairs[Math.floor(nextFraction(random) * pairs.length)];
  if (pair === undefined) return null;
  await renamePair(host, pair);
  return [pair[0].name, pair[1].name];
}

async function renamePair(host: Host, [a, b]: readonly [HostDevice, HostDevice]): Promise<void> {
  const { host: kernel } = host.store.state;
  for (const device of [a, b]) {
    await forget(host, device);
    const backing = host.files.path(device.volumeId ?? '');
    if (!(await host.nodes.release(device.node, backing, RELEASE_MS))) kernel.ghosts.push(device.node);
  }
  const { volumeId, serial, sizeBytes } = b;
  await appear(host, { volumeId, serial, sizeBytes, name: a.name });
  await appear(host, { volumeId: a.volumeId, serial: a.serial, sizeBytes: a.sizeBytes, name: b.name });
}
