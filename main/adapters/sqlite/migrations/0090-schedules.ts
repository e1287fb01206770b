/** The key of schedule_runs is what makes an occurrence happen once. */
export const schedules = {
  number: 90,
  sql: `
CREATE TABLE schedules (
  id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, source_kind TEXT NOT NULL, source_id TEXT NOT NULL,
  source_vm_id TEXT NOT NULL, vm_name TEXT NOT NULL, cron TEXT NOT NULL, time_zone TEXT NOT NULL,
  jitter_seconds INTEGER NOT NULL, keep_attached INTEGER NOT NULL, enabled INTEGER NOT NULL, since TEXT NOT NULL,
  created_at TEXT NOT NULL, updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE schedule_runs (
  schedule_id TEXT NOT NULL REFERENCES schedules(id) ON DELETE CASCADE, occurrence TEXT NOT NULL, missed_since TEXT,
  migration_id TEXT REFERENCES replication_jobs(id), code TEXT, reason TEXT, at TEXT NOT NULL,
  PRIMARY KEY (schedule_id, occurrence), CHECK ((migration_id IS NULL) = (code IS NOT NULL))
) STRICT;
`,
} as const;
