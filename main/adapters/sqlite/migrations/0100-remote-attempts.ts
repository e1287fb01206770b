/** Attempts that a VMA was asked for (rule M6), for life: a lower one is refused whoever brings it, and whenever. */
export const remoteAttempts = {
  number: 100,
  sql: `
CREATE TABLE remote_attempts (
  job_id TEXT NOT NULL, disk_key INTEGER NOT NULL, environment_id TEXT NOT NULL, attempt INTEGER NOT NULL, asked_at TEXT NOT NULL,
  PRIMARY KEY (job_id, disk_key)
) STRICT;
`,
} as const;
