/** Snapshots of ours in vCenters, for life: what is not in here is never removed there. */
export const sourceSnapshots = {
  number: 60,
  sql: `
CREATE TABLE source_snapshots (
  site_id TEXT NOT NULL, id TEXT NOT NULL, environment_id TEXT NOT NULL, vm TEXT NOT NULL, name TEXT NOT NULL, mo_ref TEXT,
  state TEXT NOT NULL CHECK (state IN ('intended','taken','removed')), changed_at TEXT NOT NULL,
  PRIMARY KEY (site_id, id)
) STRICT;
`,
} as const;
