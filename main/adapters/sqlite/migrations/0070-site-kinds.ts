/** A VMA has neither a user nor a certificate of ours: both are empty there. */
export const siteKinds = {
  number: 70,
  sql: `
ALTER TABLE sites ADD COLUMN kind TEXT NOT NULL DEFAULT 'vsphere' CHECK (kind IN ('vsphere', 'vma'));
`,
} as const;
