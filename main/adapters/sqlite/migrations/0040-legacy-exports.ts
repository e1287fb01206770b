/**
 * A row without a mapping is one that an earlier system wrote: a path that nobody proved. It may be read, and it can never
 * be an open export. SQLite cannot drop NOT NULL, so the table is made anew.
 */
export const legacyExports = {
  number: 40,
  sql: `
CREATE TABLE exports_0040 (
  mapping_id TEXT UNIQUE REFERENCES device_mappings(id), environment_id TEXT NOT NULL, host_id TEXT NOT NULL,
  export_name TEXT NOT NULL, volume_id TEXT, job_id TEXT, device_path TEXT NOT NULL, dev TEXT,
  port INTEGER, status TEXT NOT NULL CHECK (status IN ('active','closed')), opened_at TEXT NOT NULL, closed_at TEXT,
  vm_id TEXT, vm_name TEXT, disk_unit_number INTEGER,
  CHECK (CASE WHEN mapping_id IS NULL THEN status = 'closed' AND closed_at IS NOT NULL
    ELSE volume_id IS NOT NULL AND dev IS NOT NULL AND port IS NOT NULL END)
) STRICT;
INSERT INTO exports_0040 (mapping_id, environment_id, host_id, export_name, volume_id, job_id, device_path, dev, port, status, opened_at, closed_at)
  SELECT mapping_id, environment_id, host_id, export_name, volume_id, job_id, device_path, dev, port, status, opened_at, closed_at
  FROM vm_export_mappings;
DROP TABLE vm_export_mappings;
ALTER TABLE exports_0040 RENAME TO vm_export_mappings;
CREATE UNIQUE INDEX one_open_export_per_name ON vm_export_mappings(export_name) WHERE closed_at IS NULL;
`,
} as const;
