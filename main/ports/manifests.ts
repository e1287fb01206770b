/** What a disk held, chunk by chunk of 4 MiB. Stored as DIR/manifests/<root>, checksummed and on disk before its root is told (rule P2). */
export type Manifest = {
  readonly totalBytes: number;
  /** SHA-256 of each chunk, hex. */
  readonly digests: readonly string[];
};

export type Manifests = {
  /** null when it is missing or damaged: what cannot be read is never carried. */
  read(root: string): Promise<Manifest | null>;
  /** Its root. DATA_DIR_FULL when there is no room (rule J5). */
  write(manifest: Manifest): Promise<string>;
};
