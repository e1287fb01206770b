import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { vmaEndpoints } from '../../shared/contract/vma/all.ts';
import { AppError } from '../../shared/errors.ts';
import { createSourceHasher } from '../adapters/hashing/disk-hasher.ts';
import { createBandwidth } from '../adapters/movers/bandwidth.ts';
import { createSender } from '../adapters/movers/sender.ts';
import { createSocketMeter } from '../adapters/processes/socket-meter.ts';
import type { openRecords } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemIds } from '../adapters/system/ids.ts';
import { vmaDocument } from '../api/documents.ts';
import { checkProtocol } from '../api/protocol.ts';
import type { DatastoreAccess } from '../ports/datastore-access.ts';
import type { Log } from '../ports/log.ts';
import { createVmaUsecases } from '../usecases/vma/all.ts';
import { createHashBoard, type HashBoard } from '../usecases/vma/hash-board.ts';
import { createJobBoard, type JobBoard } from '../usecases/vma/job-board.ts';
import { type Opened, openAll, openDataDir } from './data-dir.ts';
import { openVcenters } from './open-vcenters.ts';
import type { Programs } from './programs.ts';
import { ratesOf } from './rates-of.ts';
import { serveApi } from './serve-api.ts';
import { keptToken } from './token-file.ts';
import { openVault } from './vault.ts';

export type VmaOptions = {
  readonly dataDir: string;
  readonly version: string;
  readonly programs: Programs;
  /** Port of the REST interface on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
};

export type Vma = { readonly url: string; readonly tokenPath: string; close(): Promise<void> };

/** The process at VMware's side: it reads disks and sends them, and never decides where to. */
export const startVma = (options: VmaOptions): Promise<Vma> => openAll((opened: Opened) => open(options, opened));

async function open(options: VmaOptions, opened: Opened): Promise<Omit<Vma, 'close'>> {
  const { dataDir, version, log, port } = options;
  const [clock, ids] = [systemClock, systemIds];
  const records = await openDataDir(
    { dataDir, kind: 'vma', hostId: 'vma', usualNbdPort: 0, publish: () => undefined },
    opened,
  );
  const closing = new AbortController();
  const { signal } = closing;
  const vault = openVault({ dataDir, env: process.env });
  const vsphere = await openVcenters({ records, vault, clock, log, signal });
  opened.push(() => vsphere.close());
  const boards = createBoards({ ...options, records }, vsphere.datastores, signal);
  opened.push(() => Promise.all([boards.jobs.close(), boards.hashes.close()]).then(() => undefined));
  opened.push(() => {
    closing.abort(new AppError('SHUTTING_DOWN'));
  });

  const about = { instanceId: ids.next(), version };
  const handlers = createVmaUsecases({
    ...{ vault, clock, ids, about, ...boards },
    vcenters: vsphere.vcenters,
    sources: vsphere.source,
    snapshots: vsphere.snapshots,
    ledgerOf: records.snapshotLedgerOf,
    attempts: records.attempts,
    movers: async () => (await vsphere.present({ signal })).movers,
    store: records.store,
    rows: rowsOf(records, boards.jobs),
  });
  const { api } = await serveApi(
    {
      ...{ table: vmaEndpoints, handlers, check: checkProtocol, document: vmaDocument(version), records, log },
      ...{ dataDir, port, token: keptToken(dataDir) },
      about: { instance_id: about.instanceId, version, lab: false, role: 'vma' },
    },
    opened,
  );
  log.info('vma ready', { url: api.url });
  return { url: api.url, tokenPath: join(dataDir, 'token') };
}

type BoardParts = VmaOptions & { readonly records: Awaited<ReturnType<typeof openRecords>> };
type Boards = { readonly jobs: JobBoard; readonly hashes: HashBoard };

function createBoards(
  { dataDir, programs, records, log }: BoardParts,
  datastores: DatastoreAccess,
  signal: AbortSignal,
): Boards {
  const clock = systemClock;
  const certificatesDir = join(dataDir, 'tls');
  const manifestsDir = join(dataDir, 'manifests');
  // What an OMA wants to keep it has: it hashed the same bytes at its end.
  rmSync(manifestsDir, { recursive: true, force: true });
  const sender = createSender({
    stateDir: join(dataDir, 'movers'),
    bandwidth: createBandwidth({ limits: () => ratesOf(records), log }),
    clock,
    datastores,
    meter: createSocketMeter({ clock, signal }),
    certificatesDir: () => (existsSync(certificatesDir) ? certificatesDir : null),
  });
  const hasher = createSourceHasher({
    hasherPath: programs.hasher,
    execPath: programs.execPath,
    stateDir: join(dataDir, 'hasher'),
    manifestsDir,
    clock,
    datastores,
  });
  return { jobs: createJobBoard({ sender, clock }), hashes: createHashBoard({ hasher }) };
}

/** The rows of jobs are an OMA's; here it is the movers that use a site. */
const rowsOf = (records: Awaited<ReturnType<typeof openRecords>>, jobs: JobBoard) => ({
  sites: records.sites,
  audit: records.audit,
  jobs: { activeOfSource: (_tx: unknown, siteId: string) => Promise.resolve(jobs.activeOfSite(siteId)) },
});
