import { existsSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { DiskIdentity } from '../../ports/host-access.ts';
import { devOf, gone } from '../processes/proc.ts';
import { readText } from './read-disk.ts';

/** A disk as one sysfs shows it: the tree below the host root, or this machine's own for a loop device of the lab. */
type Place = { readonly sysBlock: string; readonly name: string };

const dmKinds = [
  ['LVM-', 'LVM'],
  ['mpath-', 'multipath'],
  ['CRYPT-', 'dm-crypt'],
] as const;

/**
 * What uses a disk or one of its partitions (rule D6), each said so that an administrator can find it.
 * Mounts and swap are this machine's, whatever the host root: a disk of the lab is a loop device of this machine.
 */
export function readHolders(root: string): (disk: Pick<DiskIdentity, 'name' | 'dev'>) => string[] {
  const uses = readUses();
  return ({ name, dev }) => {
    const isKernelDisk = root === '/' || gone(() => statSync(join(root, 'dev', name)))?.isBlockDevice() === true;
    const places = [{ sysBlock: join(root, 'sys/block'), name }, ...(isKernelDisk ? kernelPlace(root, dev) : [])];
    const partitions = places.flatMap(partitionsOf);
    const holders = [...places.map(({ sysBlock, name }) => ({ sysBlock, path: name })), ...partitions].flatMap(
      holdersOf,
    );
    // The number of a file that stands in for a disk is made of st_dev and st_ino: it may be any device's as well.
    const devs = isKernelDisk ? [dev, ...partitions.flatMap(devOfPartition)] : [];
    return [...new Set([...holders, ...devs.flatMap((one) => uses.get(one) ?? [])])];
  };
}

/** The tree of the lab knows nothing of partitions and holders of the loop device behind an entry; its kernel does. */
function kernelPlace(root: string, dev: string): Place[] {
  const target = root === '/' ? null : gone(() => readlinkSync(`/sys/dev/block/${dev}`));
  return target === null ? [] : [{ sysBlock: '/sys/block', name: basename(target) }];
}

type Entry = { readonly sysBlock: string; readonly path: string };

function partitionsOf({ sysBlock, name }: Place): Entry[] {
  const folder = join(sysBlock, name);
  return (gone(() => readdirSync(folder)) ?? [])
    .filter((entry) => entry.startsWith(name) && existsSync(join(folder, entry, 'partition')))
    .map((entry) => ({ sysBlock, path: join(name, entry) }));
}

/** None when the disk vanishes while it is read. */
const devOfPartition = ({ sysBlock, path }: Entry): string[] => {
  const dev = gone(() => readText(join(sysBlock, path, 'dev')));
  return dev === null ? [] : [dev];
};

const holdersOf = ({ sysBlock, path }: Entry): string[] =>
  (gone(() => readdirSync(join(sysBlock, path, 'holders'))) ?? []).map((holder) => describe(sysBlock, holder));

function describe(sysBlock: string, holder: string): string {
  const attribute = (path: string): string => gone(() => readText(join(sysBlock, holder, path))) ?? '';
  if (/^md/.test(holder)) return `md array ${holder}`;
  if (!holder.startsWith('dm-')) return holder;
  const uuid = attribute('dm/uuid');
  const kind = dmKinds.find(([prefix]) => uuid.startsWith(prefix))?.[1] ?? 'device mapper';
  const name = attribute('dm/name');
  return name === '' ? `${kind} ${holder}` : `${kind} ${name} (${holder})`;
}

/** Kernel identity -> what is mounted from it, and whether it is swap. */
function readUses(): Map<string, string[]> {
  const uses = new Map<string, string[]>();
  const add = (dev: string | null, use: string) => {
    if (dev !== null) uses.set(dev, [...(uses.get(dev) ?? []), use]);
  };
  for (const line of linesOf('/proc/self/mountinfo')) {
    const [, , dev, , mountPoint, ...more] = line.split(' ');
    if (dev === undefined || mountPoint === undefined) continue;
    const source = more[more.indexOf('-') + 2] ?? '';
    // btrfs shows a number of its own (0:N) instead of the disk's; there the source tells.
    const isAnonymous = dev.startsWith('0:') && source.startsWith('/dev/');
    add(isAnonymous ? devOfPath(unescape(source)) : dev, `mount ${unescape(mountPoint)}`);
  }
  for (const line of linesOf('/proc/swaps').slice(1)) {
    const path = line.split(/\s/, 1)[0] ?? '';
    if (path.startsWith('/')) add(devOfPath(unescape(path)), 'swap');
  }
  return uses;
}

const linesOf = (path: string): string[] => readFileSync(path, 'utf8').split('\n');

function devOfPath(path: string): string | null {
  const stats = gone(() => statSync(path, { bigint: true }));
  return stats?.isBlockDevice() === true ? devOf(stats) : null;
}

/** The kernel writes blanks, tabs, newlines and backslashes of a path as three octal digits. */
const unescape = (path: string): string =>
  path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
