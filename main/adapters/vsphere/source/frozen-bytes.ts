import { X509Certificate } from 'node:crypto';
import { AppError } from '../../../../shared/errors.ts';
import type { SnapshotDisk } from '../../../domain/vm.ts';
import type { DatastoreLocation, LibraryLocation } from '../../../ports/datastore-access.ts';
import type { Signalled } from '../../../ports/signalled.ts';
import type { Vcenter, VcenterSite } from '../../../ports/vcenter.ts';
import { endpointOf } from '../endpoint.ts';

type Parts = {
  readonly site: Pick<VcenterSite, 'url' | 'username' | 'password'>;
  readonly vcenter: Vcenter;
  /** The accepted certificate; asked for anew, and refused when it is another one. */
  readonly certificatePem: (options: Signalled) => Promise<string>;
  /** Where VMware's disk library is on this machine; null where it is not. */
  readonly libdir: (options: Signalled) => Promise<string | null>;
};

/** How what a snapshot froze is reached: with VMware's library, or in the demo environment over HTTPS. */
export const frozenBytes = ({ site, vcenter, certificatePem, libdir }: Parts) => ({
  /** At a place that no real vCenter has. */
  locate: async (disk: SnapshotDisk, options: Signalled): Promise<DatastoreLocation> => ({
    url: `${endpointOf(site.url).origin}/ossea-lab/snapshots/${disk.snapshotMoRef}/${String(disk.diskKey)}`,
    certificatePem: await certificatePem(options),
    sessionCookie: (how) => vcenter.sessionCookie(how),
  }),
  library: async ({ path }: SnapshotDisk, options: Signalled): Promise<LibraryLocation> => {
    const found = await libdir(options);
    if (found === null) {
      throw new AppError('SOURCE_UNREADABLE', `${path}: VMware’s disk library is no longer on this machine.`, { path });
    }
    const { host, port } = endpointOf(site.url);
    return {
      libdir: found,
      host,
      port,
      username: site.username,
      thumbprint: new X509Certificate(await certificatePem(options)).fingerprint,
      password: site.password,
    };
  },
});
