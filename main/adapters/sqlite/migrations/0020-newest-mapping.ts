export const newestMapping = {
  number: 20,
  sql: `
CREATE INDEX device_mappings_volume ON device_mappings(volume_id);
`,
} as const;
