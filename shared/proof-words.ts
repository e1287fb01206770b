import type { MigrationDisk } from './contract/migrations.ts';

/** What a person is told of how a disk was proved: `full`, or `delta (8 chunks read, 120 carried from …)` (rule P3). */
export function proofWords(disk: MigrationDisk): string | null {
  const { chunks_read: read, chunks_carried: carried, carried_from: from } = disk;
  if (read !== null && carried !== null && from !== null) {
    return `delta (${String(read)} chunks read, ${String(carried)} carried from ${from})`;
  }
  return disk.target_sha256 === null ? null : 'full';
}
