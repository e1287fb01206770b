import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { Transport } from '../../shared/client/transport.ts';
import { endpoints } from '../../shared/contract/all.ts';
import { AppError } from '../../shared/errors.ts';
import { takeOwnership } from '../adapters/host/owner-lease.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemIds } from '../adapters/system/ids.ts';
import { createPoints } from '../adapters/system/points.ts';
import { daemonDocument } from '../api/documents.ts';
import { createEngine } from '../engine/engine.ts';
import { createTurns } from '../engine/turns.ts';
import type { Log } from '../ports/log.ts';
import type { Keyring } from '../ports/vault.ts';
import { createUsecases } from '../usecases/all.ts';
import { createFeed, type FollowOptions } from '../usecases/feed.ts';
import { createProgressBoard } from '../usecases/progress-board.ts';
import { createScheduler } from '../usecases/schedules/scheduler.ts';
import { expireMappings } from '../workflows/expire-mappings.ts';
import { createBytePath } from './byte-path.ts';
import { openDataDir } from './data-dir.ts';
import { keepSchedules } from './keep-schedules.ts';
import { openSites } from './open-sites.ts';
import { type Opened, openAll } from './opened.ts';
import type { Programs } from './programs.ts';
import { serveApi } from './serve-api.ts';
import { type LabSource, type OpenSite, openBareSite, openLabSite } from './site.ts';
import { openVault } from './vault.ts';
import { createWorkflows } from './workflows.ts';

const hostId = 'oma';
const usualNbdPort = 10809;

export type DaemonOptions = {
  readonly dataDir: string;
  readonly lab: boolean;
  readonly version: string;
  readonly programs: Programs;
  /** Port of the REST interface on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  readonly log: Log;
  /** What a new data directory of the demo environment is to list; it stays so for good. `vcenter` unless told. */
  readonly labSource?: LabSource;
  /** Take the appliance from a console that is gone for good. */
  readonly takeOver?: boolean;
  /** Where the window's session keeps the key of the vault. */
  readonly keyring?: Keyring;
};

export type Daemon = {
  readonly transport: Transport;
  readonly url: string;
  readonly nbdPort: number;
  signInUrl(): string;
  close(): Promise<void>;
};

/** Opens a data directory and works on it until close(). */
export const startDaemon = (options: DaemonOptions): Promise<Daemon> =>
  openAll((opened: Opened) => open(options, opened));

async function open(options: DaemonOptions, opened: Opened): Promise<Omit<Daemon, 'close'>> {
  const { lab, log, version } = options;
  const clock = systemClock;
  const feed = createFeed();
  const records = await openDataDir(
    { dataDir: options.dataDir, kind: lab ? 'lab' : 'real', hostId, usualNbdPort, publish: feed.publish },
    opened,
  );
  const labSource = await records.labSource(options.labSource ?? 'vcenter');
  const site = await (lab ? openLabSite : openBareSite)({ ...options, labSource, clock });
  const installId = records.environmentId;
  await own(site, { installId, takeOver: options.takeOver ?? false }, opened);
  const closing = new AbortController();
  const vault = openVault({ ...options, env: process.env });
  const ids = systemIds;
  const access = { demo: site.demo, records, vault, clock, ids, signal: closing.signal };
  const sites = await openSites({ ...options, ...access }, opened);
  const bytePath = await createBytePath({ ...options, ...sites, hostId, records, site, clock, ids });
  opened.push(() => bytePath.host.close());
  opened.push(() => bytePath.exports.stop());

  opened.push(() => {
    closing.abort(new AppError('SHUTTING_DOWN'));
  });

  const progress = createProgressBoard(clock, feed.publishProgress);
  const { cloud } = site;
  const common = { ...bytePath, cloud, site: site.site, progress, clock, ids, installId };
  const workTurns = createTurns(() => records.settings.get().parallel_transfers);
  const { workflows, ...bound } = await createWorkflows({
    ...common,
    ...{ records, workTurns, log, closing: closing.signal, readingTurns: sites.vsphere.readingTurns },
  });
  const { journal, store } = records;
  const engine = createEngine({ journal, store, clock, ids, points: createPoints(process.env), log, workflows });
  opened.push(() => engine.close());

  const about = { instanceId: ids.next(), installId, version, lab };
  const acting = {
    ...common,
    ...bound,
    vcenters: sites.vsphere.vcenters,
    vmas: sites.vma.vmas,
    ...{ engine, store, rows: records },
  };
  const scheduler = createScheduler({ ...acting, log });
  const handlers = createUsecases({ ...acting, scheduler, vault, history: records.events, about });
  const follow = (how: FollowOptions): Promise<void> => feed.follow(records.events, how);
  const { api, dispatch } = await serveApi(
    {
      ...{ table: endpoints, handlers, follow, document: daemonDocument(version), records, log },
      ...{ dataDir: options.dataDir, port: options.port, token: randomBytes(32).toString('base64url') },
      pagesDir: join(dirname(options.programs.ossea), 'renderer'),
      about: { instance_id: about.instanceId, version, lab, role: 'oma' },
    },
    opened,
  );
  if (site.hasAppliance) {
    expireMappings({ ...records, host: bytePath.host, log }, { signal: closing.signal });
  }
  const resumed = await engine.recover();
  opened.push(await keepSchedules({ scheduler, feed, history: records.events, log }));
  log.info('daemon ready', { url: api.url, nbd_port: records.nbdPort, lab, resumed });
  return {
    url: api.url,
    nbdPort: records.nbdPort,
    signInUrl: () => api.signInUrl(),
    transport: {
      call: (name, input, options) => dispatch(name, input, { ...options, actor: 'console' }),
      feed: (after, deliver, { signal }) => follow({ after, deliver, signal }),
    },
  };
}

/** Rule D7; without the lease the site is left as it was found. */
async function own(
  site: OpenSite,
  claim: { readonly installId: string; readonly takeOver: boolean },
  opened: Opened,
): Promise<void> {
  let owner = !site.hasAppliance;
  opened.push(() => site.close({ owner }));
  if (!site.hasAppliance) return;
  const lease = await takeOwnership({ root: site.hostRoot, ...claim });
  owner = true;
  opened.push(lease.release);
}
