import type { Mapping } from '../domain/device.ts';
import type { Signalled } from './signalled.ts';

/** One export of the appliance's own nbd-server: `migration-vol-<volume uuid>` on a link made after a proof (rule D3). */
export type OpenExport = {
  readonly exportName: string;
  readonly volumeId: string;
  readonly mapping: Mapping;
  readonly linkPath: string;
  readonly host: '127.0.0.1';
  readonly port: number;
  /** Where a client on this machine finds its certificate, when the server forces TLS. */
  readonly tlsDir?: string;
};

/** One live connection, as read from /proc (rule N4: never by opening exports). */
export type ExportClient = {
  readonly pid: number;
  readonly dev: string;
  /** Whose export it came through, as prerun stamped it when it let the connection in (rule D4); null without a stamp. */
  readonly volumeId: string | null;
  readonly peerPort: number;
  readonly bytesWritten: number;
};

export type NbdExports = {
  readonly port: number;
  /**
   * Link, stamp, section, reload, handshake (rules D3, N1, N3). Idempotent: also the way to make sure, before an
   * attempt, that the server lives and serves this export with this size. Throws EXPORT_FAILED, DEVICE_CHANGED, DEVICE_HELD.
   */
  ensureOpen(mapping: Mapping, options: Signalled): Promise<OpenExport>;
  /**
   * The fence (rule N2): link away, section out and reload, every server child on the device killed, nobody holds it,
   * buffers flushed. Idempotent, also for an export that was never open. Throws EXPORT_NOT_CLOSED.
   */
  close(mapping: Mapping, options: Signalled): Promise<void>;
  /** Kills what still writes to this device, without closing the export: before a new attempt. */
  fence(mapping: Mapping, options: Signalled): Promise<void>;
  clients(): Promise<readonly ExportClient[]>;
  /** Exports in our configuration file right now. */
  listed(): Promise<readonly string[]>;
  /** pid of the listening server, null when none of ours runs. */
  serverPid(): Promise<number | null>;
  /** Stops our server. Connections must be closed already. */
  stop(): Promise<void>;
};
