/** One snapshot that is ours. Kept by the caller, for life: what is not in the ledger is never removed. */
export type LedgerSnapshot = {
  readonly id: string;
  /** MoRef of the VM. */
  readonly vm: string;
  /** Carries the id, so that a snapshot whose reply was lost is found again. */
  readonly name: string;
  /** null until vCenter has said it. */
  readonly moRef: string | null;
  readonly state: 'intended' | 'taken' | 'removed';
};

export type SnapshotLedger = {
  find(id: string): Promise<LedgerSnapshot | null>;
  /** What may be there still. */
  unremoved(): Promise<readonly LedgerSnapshot[]>;
  /** Durable when it resolves: it is called before the act. */
  record(snapshot: LedgerSnapshot): Promise<void>;
};
