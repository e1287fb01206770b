/** What a replica is known to hold, by source disk and volume, and how each disk of a migration was copied. */
export const replicaStates = {
  number: 80,
  sql: `
CREATE TABLE replica_states (
  source_disk TEXT NOT NULL, volume_id TEXT NOT NULL, environment_id TEXT NOT NULL, host_id TEXT NOT NULL,
  change_id TEXT NOT NULL, manifest_root TEXT NOT NULL, generation INTEGER NOT NULL, capacity_bytes INTEGER NOT NULL,
  volume_bytes INTEGER NOT NULL, job_id TEXT NOT NULL, sample_cursor INTEGER NOT NULL, dirty TEXT NOT NULL, void_because TEXT,
  changed_at TEXT NOT NULL,
  PRIMARY KEY (source_disk, volume_id)
) STRICT;

ALTER TABLE ossea_volumes ADD COLUMN generation INTEGER NOT NULL DEFAULT 1;

ALTER TABLE vm_disks ADD COLUMN mode TEXT CHECK (mode IN ('full','delta'));
ALTER TABLE vm_disks ADD COLUMN full_because TEXT;
ALTER TABLE vm_disks ADD COLUMN bytes_changed INTEGER;
ALTER TABLE vm_disks ADD COLUMN chunks_read INTEGER;
ALTER TABLE vm_disks ADD COLUMN chunks_carried INTEGER;
ALTER TABLE vm_disks ADD COLUMN carried_from TEXT;
ALTER TABLE vm_disks ADD COLUMN mover TEXT;
ALTER TABLE vm_disks ADD COLUMN mover_because TEXT;
`,
} as const;
