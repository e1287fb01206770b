import type { DatastoreFile } from '../domain/vm.ts';
import type { Signalled } from './signalled.ts';

/** How the file behind a disk of a vCenter is read over HTTPS (rule M7). */
export type DatastoreAccess = {
  /** Looks again whether the file still holds the disk; the answer carries no secret. */
  locate(file: DatastoreFile, options: Signalled): Promise<DatastoreLocation>;
};

export type DatastoreLocation = {
  readonly url: string;
  /** The accepted certificate: the reader trusts this one and no other. */
  readonly certificatePem: string;
  /** `vmware_soap_session=...` of a session that was valid just now. A secret: into a file of the reader, nowhere else. */
  sessionCookie(options: Signalled): Promise<string>;
};
