import type { Extent } from '../domain/extent.ts';
import type { SourceImage } from '../domain/vm.ts';
import type { Signalled } from './signalled.ts';

export type SendRequest = {
  readonly source: SourceImage;
  /** `nbd://` or `nbds://`: somebody else's export. */
  readonly url: string;
  readonly deviceBytes: number;
  /** Sorted, merged, not empty, inside the device. */
  readonly extents: readonly Extent[];
  /** One writer under this name at a time, also over starts of this process. */
  readonly name: string;
  readonly attempt: number;
  /** Whose share of the bandwidth counts. */
  readonly jobId: string;
  /**
   * The mover is connected and its source paused: nothing was written. The gate opens when this resolves and by nothing
   * else; whoever has proved the device at the other end decides (rule D4).
   */
  readonly untilOpened: (options: Signalled) => Promise<void>;
  /** Bytes that the other end of the connection has taken so far. */
  readonly onProgress?: (bytesWritten: number) => void;
};

/** Carries bytes from a source to an export of another machine. */
export type Sender = {
  /** To its flush. Throws MOVER_FAILED, TARGET_FULL, TARGET_TOO_SMALL, SOURCE_UNREADABLE. */
  send(request: SendRequest, options: Signalled): Promise<{ readonly bytesWritten: number; readonly seconds: number }>;
};
