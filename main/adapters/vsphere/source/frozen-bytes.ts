import type { SnapshotDisk } from '../../../domain/vm.ts';
import type { DatastoreLocation } from '../../../ports/datastore-access.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { Vcenter } from '../../../ports/vcenter.ts';
import { endpointOf } from '../endpoint.ts';

type Parts = {
  readonly url: string;
  readonly vcenter: Vcenter;
  /** The accepted certificate; asked for anew, and refused when it is another one. */
  readonly certificatePem: (options: Signalled) => Promise<string>;
};

/** The demo environment serves what a snapshot froze over HTTPS, at a place that no real vCenter has. */
export const frozenBytes = ({ url, vcenter, certificatePem }: Parts) => ({
  locate: async (disk: SnapshotDisk, options: Signalled): Promise<DatastoreLocation> => ({
    url: `${endpointOf(url).origin}/ossea-lab/snapshots/${disk.snapshotMoRef}/${String(disk.diskKey)}`,
    certificatePem: await certificatePem(options),
    sessionCookie: (how) => vcenter.sessionCookie(how),
  }),
});
