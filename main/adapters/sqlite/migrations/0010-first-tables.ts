export const firstTables = {
  number: 10,
  sql: `
CREATE TABLE runs (
  id TEXT PRIMARY KEY, workflow TEXT NOT NULL, version INTEGER NOT NULL, parent_id TEXT REFERENCES runs(id),
  input TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending','running','waiting','held','completed','unverified','failed','cancelled')),
  reason TEXT, output TEXT, error TEXT, undoing TEXT, cancel_requested INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, completed_at TEXT
) STRICT;
CREATE INDEX runs_unfinished ON runs(status) WHERE completed_at IS NULL;
CREATE INDEX runs_parent ON runs(parent_id);

CREATE TABLE steps (
  run_id TEXT NOT NULL REFERENCES runs(id), name TEXT NOT NULL, input_hash TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('intended','acted','done')), attempts INTEGER NOT NULL,
  handle TEXT, output TEXT, updated_at TEXT NOT NULL,
  PRIMARY KEY (run_id, name)
) STRICT;

CREATE TABLE replication_jobs (
  id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, host_id TEXT NOT NULL,
  source_kind TEXT NOT NULL, source_id TEXT NOT NULL, source_vm_id TEXT NOT NULL, vm_name TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending','running','waiting','held','completed','unverified','failed','cancelled')),
  reason TEXT, phase TEXT NOT NULL, timeline TEXT NOT NULL, proof TEXT, error TEXT, left_behind TEXT NOT NULL DEFAULT '[]',
  cancel_requested INTEGER NOT NULL DEFAULT 0, slots INTEGER NOT NULL DEFAULT 0, spec TEXT NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL, completed_at TEXT
) STRICT;
CREATE UNIQUE INDEX one_unfinished_job_per_vm ON replication_jobs(source_kind, source_id, source_vm_id) WHERE completed_at IS NULL;

CREATE TABLE vm_disks (
  job_id TEXT NOT NULL REFERENCES replication_jobs(id), disk_key INTEGER NOT NULL, label TEXT NOT NULL,
  capacity_bytes INTEGER NOT NULL, phase TEXT NOT NULL, volume_id TEXT, volume_name TEXT, volume_bytes INTEGER,
  device_path TEXT, evidence TEXT, export_name TEXT,
  bytes_total INTEGER NOT NULL DEFAULT 0, bytes_copied INTEGER NOT NULL DEFAULT 0,
  segments_total INTEGER NOT NULL DEFAULT 0, segments_done INTEGER NOT NULL DEFAULT 0, segments_resent INTEGER NOT NULL DEFAULT 0,
  source_sha256 TEXT, target_sha256 TEXT, manifest_root TEXT, reader TEXT,
  PRIMARY KEY (job_id, disk_key)
) STRICT;

CREATE TABLE ossea_volumes (
  volume_id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, host_id TEXT NOT NULL, name TEXT NOT NULL UNIQUE,
  size_bytes INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('creating','available','attached','detached','deleted')),
  job_id TEXT, disk_key INTEGER, received_data INTEGER NOT NULL DEFAULT 0,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX ossea_volumes_job ON ossea_volumes(job_id);

CREATE TABLE volume_operations (
  id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, host_id TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('create','attach','detach','delete')),
  status TEXT NOT NULL CHECK (status IN ('pending','executing','completed','failed','cancelled')),
  volume_id TEXT, vm_id TEXT, document TEXT NOT NULL, created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;
CREATE INDEX volume_operations_volume ON volume_operations(volume_id);
CREATE INDEX volume_operations_created ON volume_operations(created_at);

CREATE TABLE device_mappings (
  id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, host_id TEXT NOT NULL, volume_id TEXT NOT NULL, vm_id TEXT NOT NULL,
  device_path TEXT NOT NULL, dev TEXT NOT NULL, boot_id TEXT NOT NULL, document TEXT NOT NULL,
  observed_at TEXT NOT NULL, ended_at TEXT, ended_because TEXT
) STRICT;
CREATE UNIQUE INDEX one_device_per_volume ON device_mappings(volume_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX one_volume_per_device ON device_mappings(host_id, device_path) WHERE ended_at IS NULL;

CREATE TABLE vm_export_mappings (
  mapping_id TEXT PRIMARY KEY REFERENCES device_mappings(id), environment_id TEXT NOT NULL, host_id TEXT NOT NULL,
  export_name TEXT NOT NULL, volume_id TEXT NOT NULL, job_id TEXT, device_path TEXT NOT NULL, dev TEXT NOT NULL,
  port INTEGER NOT NULL, status TEXT NOT NULL CHECK (status IN ('active','closed')), opened_at TEXT NOT NULL, closed_at TEXT
) STRICT;
CREATE UNIQUE INDEX one_open_export_per_name ON vm_export_mappings(export_name) WHERE closed_at IS NULL;

CREATE TABLE transfer_segments (
  job_id TEXT NOT NULL, disk_key INTEGER NOT NULL, name TEXT NOT NULL, attempts INTEGER NOT NULL,
  bytes_written INTEGER NOT NULL, done INTEGER NOT NULL,
  PRIMARY KEY (job_id, disk_key, name)
) STRICT;

CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, act TEXT NOT NULL,
  subject TEXT NOT NULL, details TEXT NOT NULL
) STRICT;
`,
} as const;
