import type { ProgressFrame } from '../../shared/contract/events.ts';
import type { Migration, MigrationDisk } from '../../shared/contract/migrations.ts';
import { frameKey, isEnded, type LiveState } from './entities.ts';

export type Figures = {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly rate: number | null;
  readonly etaSeconds: number | null;
};

export type DiskFigures = Figures & { readonly activity: ProgressFrame['activity'] | null };

/** What a disk's bar shows now: bytes really written while it is copied, bytes hashed while it is proved. */
export function diskFigures(migration: Migration, disk: MigrationDisk, frames: LiveState['frames']): DiskFigures {
  const read = (activity: ProgressFrame['activity']): ProgressFrame | undefined =>
    frames[frameKey({ job_id: migration.id, disk_key: disk.key, activity })];
  const copied = { doneBytes: disk.bytes_copied, totalBytes: disk.bytes_total };
  if (isEnded(migration)) return { ...copied, rate: null, etaSeconds: null, activity: null };
  if (disk.phase === 'verify') {
    const hashing = [read('hash-source'), read('hash-target')].filter((frame) => frame !== undefined);
    const slowest = hashing.at(-1);
    if (slowest === undefined) return { ...copied, rate: null, etaSeconds: null, activity: null };
    return withEta({
      doneBytes: sum(hashing, (frame) => frame.bytes_done),
      totalBytes: sum(hashing, (frame) => frame.bytes_total),
      rate: sumOrNull(hashing.map((frame) => frame.rate_bytes_per_second)),
      activity: slowest.activity,
    });
  }
  const transfer = read('transfer');
  if (transfer !== undefined) {
    return withEta({
      // The event and the frame travel apart; progress never runs backwards.
      doneBytes: Math.max(transfer.bytes_done, disk.bytes_copied),
      totalBytes: Math.max(transfer.bytes_total, disk.bytes_total),
      rate: disk.phase === 'transfer' ? transfer.rate_bytes_per_second : null,
      activity: 'transfer',
    });
  }
  const blank = read('prove-blank');
  if (blank !== undefined && disk.bytes_copied === 0) {
    return withEta({
      doneBytes: blank.bytes_done,
      totalBytes: blank.bytes_total,
      rate: blank.rate_bytes_per_second,
      activity: 'prove-blank',
    });
  }
  return withEta({
    ...copied,
    rate: disk.rate_bytes_per_second,
    activity: disk.phase === 'transfer' ? 'transfer' : null,
  });
}

/** Bytes of the whole migration that are on the targets, the running movers' included. */
export const copiedBytes = (migration: Migration, frames: LiveState['frames']): number =>
  sum(migration.disks, (disk) => {
    const frame = frames[frameKey({ job_id: migration.id, disk_key: disk.key, activity: 'transfer' })];
    return isEnded(migration) ? disk.bytes_copied : Math.max(disk.bytes_copied, frame?.bytes_done ?? 0);
  });

/** The whole migration, weighted by bytes and never by steps. */
export function migrationFigures(migration: Migration, frames: LiveState['frames']): Figures {
  if (migration.disks.length === 0 || isEnded(migration)) {
    return { doneBytes: migration.bytes_copied, totalBytes: migration.bytes_total, rate: null, etaSeconds: null };
  }
  const disks = migration.disks.map((disk) => diskFigures(migration, disk, frames));
  return withEta({
    doneBytes: sum(disks, (disk) => disk.doneBytes),
    totalBytes: sum(disks, (disk) => disk.totalBytes),
    rate: sumOrNull(disks.map((disk) => disk.rate)),
  });
}

function withEta<const T extends Omit<Figures, 'etaSeconds'>>(figures: T): T & Figures {
  const { doneBytes, totalBytes, rate } = figures;
  const etaSeconds = rate === null || rate <= 0 ? null : Math.max(0, totalBytes - doneBytes) / rate;
  return { ...figures, etaSeconds };
}

const sum = <T>(entries: readonly T[], of: (entry: T) => number): number =>
  entries.reduce((total, entry) => total + of(entry), 0);

function sumOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((total, value) => total + value, 0);
}
