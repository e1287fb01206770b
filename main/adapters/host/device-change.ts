import type { DeviceChange, DiskIdentity } from '../../ports/host-access.ts';
import type { Sighting } from './look.ts';

/** What is different in `now`; null when nothing is. */
export function changeBetween(before: Sighting | null, now: Sighting): DeviceChange | null {
  if (before === now) return null;
  const previousBootId = before?.bootId ?? null;
  // Names mean nothing across boots: a disk that kept its name is gone and come as well.
  const old = before?.bootId === now.bootId ? before.entries : new Map<string, never>();
  const added: DiskIdentity[] = [];
  const changed: { was: DiskIdentity; is: DiskIdentity }[] = [];
  for (const [name, { disk }] of now.entries) {
    const was = old.get(name)?.disk;
    if (was === undefined) added.push(disk);
    else if (!isSame(was, disk)) changed.push({ was, is: disk });
  }
  const removed = [...(before?.entries ?? [])]
    .filter(([name]) => before?.bootId !== now.bootId || !now.entries.has(name))
    .map(([, { disk }]) => disk);
  const isNothing = before?.bootId === now.bootId && added.length + changed.length + removed.length === 0;
  return isNothing ? null : { bootId: now.bootId, previousBootId, added, removed, changed };
}

const isSame = (a: DiskIdentity, b: DiskIdentity): boolean =>
  a === b || (a.dev === b.dev && a.sizeBytes === b.sizeBytes && a.diskseq === b.diskseq && a.serial === b.serial);
