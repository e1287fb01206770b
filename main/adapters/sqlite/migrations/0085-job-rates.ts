export const jobRates = {
  number: 85,
  sql: `
ALTER TABLE replication_jobs ADD COLUMN limit_mib_per_second INTEGER;
`,
} as const;
