/**
 * SQLite cannot widen a CHECK, so volume_operations is made anew. `part_of` keeps the steps of a larger operation out of
 * the index that allows one unfinished operation a volume.
 */
export const volumeDaemon = {
  number: 30,
  sql: `
CREATE TABLE operations_0030 (
  id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, host_id TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('create','attach','attach-root','detach','delete','cleanup','force-sync')),
  status TEXT NOT NULL CHECK (status IN ('pending','executing','completed','failed','cancelled')),
  volume_id TEXT, vm_id TEXT, part_of TEXT, document TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
INSERT INTO operations_0030 (id, environment_id, host_id, type, status, volume_id, vm_id, part_of, document, created_at, updated_at)
  SELECT id, environment_id, host_id, type, status, volume_id, vm_id, NULL, json_set(document, '$.part_of', NULL), created_at, updated_at
  FROM volume_operations;
DROP TABLE volume_operations;
ALTER TABLE operations_0030 RENAME TO volume_operations;
CREATE INDEX volume_operations_volume ON volume_operations(volume_id);
CREATE INDEX volume_operations_created ON volume_operations(created_at);
CREATE UNIQUE INDEX one_unfinished_operation_per_volume ON volume_operations(volume_id)
  WHERE status IN ('pending','executing') AND part_of IS NULL;

ALTER TABLE ossea_volumes ADD COLUMN origin TEXT NOT NULL DEFAULT 'made' CHECK (origin IN ('made','adopted'));
ALTER TABLE ossea_volumes ADD COLUMN role TEXT NOT NULL DEFAULT 'replica' CHECK (role IN ('replica','test','live'));
ALTER TABLE ossea_volumes ADD COLUMN source_disk TEXT;
ALTER TABLE ossea_volumes ADD COLUMN metadata TEXT NOT NULL DEFAULT '{}';
CREATE INDEX ossea_volumes_source ON ossea_volumes(source_disk) WHERE source_disk IS NOT NULL;

ALTER TABLE vm_disks ADD COLUMN reused INTEGER NOT NULL DEFAULT 0;

CREATE TABLE answered_requests (
  key TEXT PRIMARY KEY, request_hash TEXT NOT NULL, reply TEXT NOT NULL, answered_at TEXT NOT NULL
) STRICT;
`,
} as const;
