import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DiskIdentity } from '../../ports/host-access.ts';
import { mayBeVolume, readDisk, readKey, readText } from './read-disk.ts';

type Entry = { readonly key: string; readonly disk: DiskIdentity };

/** What a look in passing saw, with what tells whether it must be read again. */
export type Sighting = { readonly bootId: string; readonly entries: ReadonlyMap<string, Entry> };

export function readBootId(root: string): string {
  const bootId = readText(join(root, 'proc/sys/kernel/random/boot_id'));
  if (bootId === '') throw new Error('the boot id is empty');
  return bootId;
}

export const diskNames = (root: string): string[] => readdirSync(join(root, 'sys/block')).filter(mayBeVolume).sort();

/**
 * Reads the names and a key of each; attributes only of what is new, has another key, or was in the kernel's news.
 * Answers `known` itself when nothing differs, and shares with it every disk that does not.
 */
export function look(root: string, known: Sighting | null, inTheNews: ReadonlySet<string>): Sighting {
  const bootId = readBootId(root);
  const old = known?.bootId === bootId ? known.entries : new Map<string, Entry>();
  const entries = new Map<string, Entry>();
  for (const name of diskNames(root)) {
    const entry = lookAt({ root, name, known: inTheNews.has(name) ? undefined : old.get(name) });
    if (entry !== null) entries.set(name, entry);
  }
  // A reboot in the middle would mix the names of two boots.
  if (readBootId(root) !== bootId) throw new Error('the boot id changed while the tree was read');
  const isSame = old.size === entries.size && [...entries].every(([name, entry]) => old.get(name) === entry);
  return known !== null && known.bootId === bootId && isSame ? known : { bootId, entries };
}

type Wanted = { readonly root: string; readonly name: string; readonly known: Entry | undefined };

function lookAt({ root, name, known }: Wanted): Entry | null {
  if (known !== undefined && keyOf(root, name) === known.key) return known;
  const disk = readDisk(root, name);
  const key = keyOf(root, name);
  return disk === null || key === null ? null : { key, disk };
}

/** null when the entry went away between the listing and this. */
function keyOf(root: string, name: string): string | null {
  try {
    return readKey(`${root}/sys/block/${name}`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
