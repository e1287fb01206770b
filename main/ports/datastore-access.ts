import type { DatastoreFile, SnapshotDisk } from '../domain/vm.ts';
import type { Signalled, Waiting } from './signalled.ts';

/** How the bytes of a vCenter's disk are reached: its file (rule M7), or what a snapshot froze. */
export type DatastoreAccess = {
  /** Looks again whether a file still holds the disk; the answer carries no secret. */
  locate(disk: DatastoreFile | SnapshotDisk, options: Signalled): Promise<DatastoreLocation>;
  /** The ESXi host that the disk is read from now; null where it is not known. */
  hostOf(disk: DatastoreFile | SnapshotDisk): string | null;
  /** Resolves with the way out once its host and its vCenter can bear one reader more. */
  enter(
    disk: DatastoreFile | SnapshotDisk,
    options: Signalled & { readonly waiting?: Waiting | undefined },
  ): Promise<() => void>;
  /** How VMware's disk library reaches a snapshot. */
  library(disk: SnapshotDisk, options: Signalled): Promise<LibraryLocation>;
};

export type DatastoreLocation = {
  readonly url: string;
  /** The accepted certificate: the reader trusts this one and no other. */
  readonly certificatePem: string;
  /** `vmware_soap_session=...` of a session that was valid just now. A secret: into a file of the reader, nowhere else. */
  sessionCookie(options: Signalled): Promise<string>;
};

export type LibraryLocation = {
  /** The folder of VMware's library. */
  readonly libdir: string;
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** SHA-1 of the accepted certificate, as the library wants it: `AA:BB:...`. */
  readonly thumbprint: string;
  /** A secret: by descriptor, nowhere else. */
  password(options: Signalled): Promise<string>;
};
