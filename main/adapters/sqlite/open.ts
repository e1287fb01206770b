import { join } from 'node:path';
import type { Event } from '../../../shared/contract/events.ts';
import type { Clock } from '../../ports/clock.ts';
import { createAnsweredRequests } from './answered-requests.ts';
import { createAttempts } from './attempts.ts';
import { createAuditRows } from './audit.ts';
import { openDatabase } from './database.ts';
import { createEventRows } from './events.ts';
import { createExportRows } from './exports.ts';
import { createJobRows } from './jobs.ts';
import { createJournal } from './journal.ts';
import { createMappingRows } from './mappings.ts';
import { migrate } from './migrate.ts';
import { createOperationRows } from './operations.ts';
import { createReplicaRows } from './replicas.ts';
import { createSegmentRows } from './segments.ts';
import { createSettingRows, fixedFact } from './settings.ts';
import { createSiteRows } from './sites.ts';
import { snapshotLedgerOf } from './source-snapshots.ts';
import { createVolumeRows } from './volumes.ts';

/** What a data directory is for, for life. */
export type DataDirKind = 'lab' | 'real' | 'vma';

type Parts = {
  readonly dir: string;
  readonly hostId: string;
  readonly newId: string;
  readonly kind: DataDirKind;
  readonly firstNbdPort: number;
  readonly clock: Clock;
  readonly publish: (event: Event) => void;
};

/** Opens DIR/ossea.db, brings it up to date and hands out one set of rows per table. */
export async function openRecords({ dir, hostId, newId, kind, firstNbdPort, clock, publish }: Parts) {
  const path = join(dir, 'ossea.db');
  const database = await openDatabase(path);
  await migrate(database, path);
  const environmentId = await fixedFact(database, '.environment_id', newId);
  const bornAs = await fixedFact(database, '.kind', kind);
  const nbdPort = Number(await fixedFact(database, '.nbd_port', String(firstNbdPort)));
  const place = { environmentId, hostId };
  const events = createEventRows(database, clock, publish);
  const volumes = createVolumeRows({ database, clock, events, place });
  return {
    bornAs,
    /** Where the VMs of the demo environment come from, as its first start said. */
    labSource: async (first: 'vcenter' | 'images') =>
      (await fixedFact(database, '.lab_source', first)) === 'images' ? ('images' as const) : ('vcenter' as const),
    nbdPort,
    environmentId,
    store: { write: database.write },
    journal: createJournal(database, clock),
    events,
    jobs: createJobRows({ database, clock, events, place }),
    volumes,
    mappings: createMappingRows({ database, clock, volumes, place }),
    exports: createExportRows({ database, clock, events, place }),
    operations: createOperationRows({ database, events, place }),
    segments: createSegmentRows(database),
    replicas: createReplicaRows({ database, clock, place }),
    settings: await createSettingRows(database),
    sites: createSiteRows(database, place),
    snapshotLedgerOf: snapshotLedgerOf({ database, clock, place }),
    attempts: createAttempts({ database, clock, place }),
    audit: createAuditRows(clock),
    answered: createAnsweredRequests(database, clock),
    close: database.close,
  };
}
