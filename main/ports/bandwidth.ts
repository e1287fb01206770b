/** A mover that sends now. `host`: the ESXi host that it reads from; null where that is not known or there is none. */
export type Sending = { readonly jobId: string | null; readonly host: string | null; readonly ratePath: string };

/** Shares what movers may send among those that do (settings, limits of jobs). */
export type Bandwidth = {
  /** Writes the mover's share into the file that its program reads, now and whenever it changes. Leaves with the way out. */
  join(sending: Sending): () => void;
  /** Bytes per second; null: this job has no limit of its own. */
  limitJob(jobId: string, bytesPerSecond: number | null): void;
  /** Another limit has changed. */
  reconsider(): void;
};
