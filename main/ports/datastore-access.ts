import type { DatastoreFile, SnapshotDisk } from '../domain/vm.ts';
import type { Signalled } from './signalled.ts';

/** How the bytes of a vCenter's disk are read over HTTPS: its file (rule M7), or what a snapshot froze, in the lab. */
export type DatastoreAccess = {
  /** Looks again whether a file still holds the disk; the answer carries no secret. */
  locate(disk: DatastoreFile | SnapshotDisk, options: Signalled): Promise<DatastoreLocation>;
};

export type DatastoreLocation = {
  readonly url: string;
  /** The accepted certificate: the reader trusts this one and no other. */
  readonly certificatePem: string;
  /** `vmware_soap_session=...` of a session that was valid just now. A secret: into a file of the reader, nowhere else. */
  sessionCookie(options: Signalled): Promise<string>;
};
