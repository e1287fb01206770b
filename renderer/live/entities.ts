import type { z } from 'zod';
import type { FeedMessage, ProgressFrame } from '../../shared/contract/events.ts';
import type { NbdExport } from '../../shared/contract/exports.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import type { Operation } from '../../shared/contract/operations.ts';
import type { listVms } from '../../shared/contract/vms.ts';
import type { DeviceMapping, Volume } from '../../shared/contract/volumes.ts';
import type { ErrorBody } from '../../shared/errors.ts';

export type Vm = z.output<typeof listVms.reply>['vms'][number];

export type LogLine = {
  readonly seq: number;
  readonly at: string;
  readonly level: 'info' | 'warn' | 'error';
  readonly jobId: string | null;
  readonly message: string;
};

/** The NBD server as the daemon saw it when it was last asked. */
export type NbdServer = { readonly pid: number | null; readonly port: number };

export type Connection =
  | { readonly state: 'connecting' }
  | { readonly state: 'live' }
  | { readonly state: 'lost'; readonly failure: ErrorBody }
  | { readonly state: 'signed-out'; readonly failure: ErrorBody };

type ById<T> = Readonly<Record<string, T>>;

export type LiveState = {
  readonly connection: Connection;
  /** When the daemon last said anything. */
  readonly lastSeenAt: string | null;
  /** False until the first snapshot: nothing is known, which is not the same as nothing is there. */
  readonly loaded: boolean;
  readonly seq: number;
  readonly lab: boolean;
  readonly version: string | null;
  readonly vms: readonly Vm[];
  readonly vmsFailure: ErrorBody | null;
  readonly vmsLoaded: boolean;
  readonly migrations: ById<Migration>;
  readonly operations: ById<Operation>;
  readonly volumes: ById<Volume>;
  readonly exports: ById<NbdExport>;
  /** Every mapping seen, by its id: an ended one stays visible with its reason. */
  readonly mappings: ById<DeviceMapping>;
  /** By `frameKey`. */
  readonly frames: ById<ProgressFrame>;
  readonly nbdServer: NbdServer | null;
  readonly log: readonly LogLine[];
};

export type Snapshot = {
  readonly newestSeq: number;
  readonly lab: boolean;
  readonly version: string;
  readonly migrations: readonly Migration[];
  readonly operations: readonly Operation[];
  readonly volumes: readonly Volume[];
  readonly exports: readonly NbdExport[];
  readonly nbdServer: NbdServer;
};

export type Change = { readonly at: string } & (
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'feed'; readonly message: FeedMessage }
  | { readonly kind: 'vms'; readonly vms: readonly Vm[] }
  | { readonly kind: 'vms-failed'; readonly failure: ErrorBody }
  | { readonly kind: 'exports'; readonly exports: readonly NbdExport[]; readonly nbdServer: NbdServer }
  | { readonly kind: 'migration'; readonly migration: Migration }
  | { readonly kind: 'lost'; readonly failure: ErrorBody }
  | { readonly kind: 'signed-out'; readonly failure: ErrorBody }
);

export const nothingYet: LiveState = {
  connection: { state: 'connecting' },
  lastSeenAt: null,
  loaded: false,
  seq: 0,
  lab: false,
  version: null,
  vms: [],
  vmsFailure: null,
  vmsLoaded: false,
  migrations: {},
  operations: {},
  volumes: {},
  exports: {},
  mappings: {},
  frames: {},
  nbdServer: null,
  log: [],
};

export const frameKey = (frame: Pick<ProgressFrame, 'job_id' | 'disk_key' | 'activity'>): string =>
  `${frame.job_id}/${String(frame.disk_key)}/${frame.activity}`;

/** One name can be exported again after it was closed. */
export const exportKey = (entry: NbdExport): string => `${entry.export_name}@${entry.opened_at}`;

export const isEnded = (migration: Migration): boolean =>
  ['completed', 'unverified', 'failed', 'cancelled'].includes(migration.status);
