import { join } from 'node:path';
import { asAppError } from '../../shared/errors.ts';
import { bytesOfMib } from '../../shared/units.ts';
import { createDiskHasher } from '../adapters/hashing/disk-hasher.ts';
import { createManifests } from '../adapters/hashing/manifests.ts';
import { createLocalHostAccess } from '../adapters/host/local-host-access.ts';
import { createSourceImages } from '../adapters/images/source-images.ts';
import { createBandwidth } from '../adapters/movers/bandwidth.ts';
import { createNbdcopyMover } from '../adapters/movers/nbdcopy.ts';
import { createNbdServer } from '../adapters/nbd/nbd-server.ts';
import { findProgram } from '../adapters/processes/find-program.ts';
import type { openRecords } from '../adapters/sqlite/open.ts';
import { createVmaMover } from '../adapters/vma/mover.ts';
import type { ClientOf } from '../adapters/vma/source.ts';
import { vmaSourceHasher } from '../adapters/vma/source-hasher.ts';
import type { Clock } from '../ports/clock.ts';
import type { DatastoreAccess } from '../ports/datastore-access.ts';
import type { Ids } from '../ports/ids.ts';
import type { Log } from '../ports/log.ts';
import type { SourceSnapshots } from '../ports/source-snapshots.ts';
import type { Sources } from '../ports/sources.ts';
import { allSnapshots } from './all-snapshots.ts';
import { allHashers, allMovers, allSources } from './all-sources.ts';
import { imageFolders } from './image-folders.ts';
import type { Programs } from './programs.ts';
import { ratesOf } from './rates-of.ts';
import type { OpenSite } from './site.ts';

type Parts = {
  readonly dataDir: string;
  readonly hostId: string;
  readonly programs: Programs;
  readonly records: Awaited<ReturnType<typeof openRecords>>;
  readonly site: OpenSite;
  readonly vsphere: {
    readonly source: Sources;
    readonly snapshots: SourceSnapshots;
    readonly datastores: DatastoreAccess;
  };
  readonly vma: {
    readonly source: Sources;
    readonly snapshots: SourceSnapshots;
    readonly clientOf: ClientOf;
    readonly reaches: (siteId: string) => boolean;
  };
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
};

/** What a byte passes on its way, and what watches it: source, mover, export, device, hasher. */
export async function createBytePath(parts: Parts) {
  const { dataDir, hostId, programs, records, site, vsphere, vma, clock, ids, log } = parts;
  const host = createLocalHostAccess({ root: site.hostRoot, hostId, clock, log });
  const exports = createNbdServer({
    hostAccess: host,
    stateDir: join(dataDir, 'nbd'),
    port: records.nbdPort,
    nbdServerPath: programPath('nbd-server', log),
    clock,
  });
  const bandwidth = createBandwidth({
    limits: () => ratesOf(records),
    log,
  });
  for (const { jobId, mibPerSecond } of await records.jobs.limitedRates()) {
    bandwidth.limitJob(jobId, bytesOfMib(mibPerSecond));
  }
  const here = createNbdcopyMover({
    stateDir: join(dataDir, 'movers'),
    bandwidth,
    hostAccess: host,
    exports,
    clock,
    datastores: vsphere.datastores,
  });
  const hasher = createDiskHasher({
    hasherPath: programs.hasher,
    execPath: programs.execPath,
    stateDir: join(dataDir, 'hasher'),
    manifestsDir: join(dataDir, 'manifests'),
    hostAccess: host,
    clock,
    datastores: vsphere.datastores,
  });
  const { clientOf } = vma;
  return {
    host,
    exports,
    bandwidth,
    sources: allSources({
      images: imageFolders(site.vmDirs.map((dir) => createSourceImages({ dir, sourceId: records.environmentId }))),
      vsphere: vsphere.source,
      vma: vma.source,
    }),
    snapshots: allSnapshots({ vsphere: vsphere.snapshots, vma }),
    manifests: createManifests({ folder: join(dataDir, 'manifests') }),
    mover: allMovers({ here, vma: createVmaMover({ clientOf, exports, hostAccess: host, clock }) }),
    hasher: allHashers({ here: hasher, vma: vmaSourceHasher({ clientOf, clock, ids }) }),
  };
}

/** A missing program is said when it is needed, so that the console opens and can show the remedy. */
function programPath(name: string, log: Log): string {
  try {
    return findProgram(name);
  } catch (error) {
    const known = asAppError(error);
    if (known.code !== 'PROGRAM_MISSING') throw error;
    log.error('a program is missing', { reason: known.reason });
    return name;
  }
}
