export const sites = {
  number: 50,
  sql: `
CREATE TABLE sites (
  id TEXT PRIMARY KEY, environment_id TEXT NOT NULL, name TEXT NOT NULL UNIQUE, url TEXT NOT NULL,
  username TEXT NOT NULL, certificate_sha256 TEXT NOT NULL, created_at TEXT NOT NULL
) STRICT;
`,
} as const;
