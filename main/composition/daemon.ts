import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Transport } from '../../shared/client/transport.ts';
import { AppError } from '../../shared/errors.ts';
import { takeOwnership } from '../adapters/host/owner-lease.ts';
import { takeLock } from '../adapters/sqlite/lock.ts';
import { openRecords } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemIds } from '../adapters/system/ids.ts';
import { createPoints } from '../adapters/system/points.ts';
import { startApi } from '../api/server.ts';
import { createEngine } from '../engine/engine.ts';
import { createTurns } from '../engine/turns.ts';
import type { Log } from '../ports/log.ts';
import type { Keyring } from '../ports/vault.ts';
import { createUsecases } from '../usecases/all.ts';
import { createAnswerOnce } from '../usecases/answer-once.ts';
import { createDispatch } from '../usecases/dispatch.ts';
import { createFeed, type FollowOptions } from '../usecases/feed.ts';
import { createProgressBoard } from '../usecases/progress-board.ts';
import { createScheduler } from '../usecases/schedules/scheduler.ts';
import { expireMappings } from '../workflows/expire-mappings.ts';
import { createBytePath } from './byte-path.ts';
import { closeAll, type Opened } from './close-all.ts';
import { keepDemoVcenter } from './demo-vcenter.ts';
import { removeEndpoint, writeEndpoint } from './endpoint-file.ts';
import { freePort } from './free-port.ts';
import { keepSchedules } from './keep-schedules.ts';
import { openVcenters } from './open-vcenters.ts';
import type { Programs } from './programs.ts';
import { type LabSource, openBareSite, openLabSite } from './site.ts';
import { openVault } from './vault.ts';
import { createWorkflows } from './workflows.ts';

const hostId = 'oma';
const nbdPortOfARealSite = 10809;

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
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const opened: Opened = [];
  const close = (): Promise<void> => closeAll(opened);
  try {
    return { ...(await open(options, opened)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(options: DaemonOptions, opened: Opened): Promise<Omit<Daemon, 'close'>> {
  const { lab, log, version } = options;
  const clock = systemClock;
  const feed = createFeed();
  const records = await openDataDir(options, opened, feed.publish);
  const labSource = await records.labSource(options.labSource ?? 'vcenter');
  const site = await (lab ? openLabSite : openBareSite)({ ...options, labSource, clock });
  let owner = !site.hasAppliance;
  opened.push(() => site.close({ owner }));
  const installId = records.environmentId;
  if (site.hasAppliance) {
    const { takeOver = false } = options;
    const lease = await takeOwnership({ root: site.hostRoot, installId, takeOver });
    owner = true;
    opened.push(lease.release);
  }
  const closing = new AbortController();
  const vault = openVault({ ...options, env: process.env });
  if (site.demoVcenter !== null) {
    await keepDemoVcenter(site.demoVcenter, { records, vault, clock, ids: systemIds, signal: closing.signal });
  }
  const vsphere = await openVcenters({ records, vault, clock, log, signal: closing.signal });
  opened.push(() => vsphere.close());
  const bytePath = createBytePath({ ...options, hostId, records, site, vsphere, clock });
  opened.push(() => bytePath.host.close());
  opened.push(() => bytePath.exports.stop());

  opened.push(() => {
    closing.abort(new AppError('SHUTTING_DOWN'));
  });

  const progress = createProgressBoard(clock, feed.publishProgress);
  const ids = systemIds;
  const { cloud } = site;
  const common = { ...bytePath, cloud, site: site.site, progress, clock, ids, installId };
  const workTurns = createTurns(() => records.settings.get().parallel_transfers);
  const { workflows, ...bound } = await createWorkflows({
    ...common,
    ...{ records, workTurns, log, closing: closing.signal },
  });
  const { journal, store } = records;
  const engine = createEngine({ journal, store, clock, ids, points: createPoints(process.env), log, workflows });
  opened.push(() => engine.close());

  const about = { instanceId: ids.next(), installId, version, lab };
  const acting = { ...common, ...bound, vcenters: vsphere.vcenters, engine, store, rows: records };
  const scheduler = createScheduler({ ...acting, log });
  const usecases = createUsecases({ ...acting, scheduler, vault, history: records.events, about });
  const dispatch = createDispatch(usecases, createAnswerOnce({ answered: records.answered, store, ids }));
  const follow = (how: FollowOptions): Promise<void> => feed.follow(records.events, how);
  const token = randomBytes(32).toString('base64url');
  const pagesDir = join(dirname(options.programs.ossea), 'renderer');
  const api = await startApi({ dispatch, follow, port: options.port, token, version, pagesDir, clock, log });
  opened.push(() => api.close());
  publishEndpoint(options, opened, { url: api.url, token, instance_id: about.instanceId });
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

type Publish = Parameters<typeof openRecords>[0]['publish'];

async function openDataDir({ dataDir, lab }: DaemonOptions, opened: Opened, publish: Publish) {
  mkdirSync(join(dataDir, 'vms'), { recursive: true, mode: 0o700 });
  const lock = await takeLock(join(dataDir, 'daemon.lock'));
  opened.push(() => lock.release());
  const kind = lab ? 'lab' : 'real';
  const firstNbdPort = lab ? await freePort() : nbdPortOfARealSite;
  const newId = systemIds.next();
  const records = await openRecords({ dir: dataDir, hostId, newId, kind, firstNbdPort, clock: systemClock, publish });
  opened.push(() => records.close());
  if (records.bornAs === kind) return records;
  throw new AppError('DATA_DIR_KIND', `${dataDir} was made for ${records.bornAs} use.`);
}

type Address = { readonly url: string; readonly token: string; readonly instance_id: string };

function publishEndpoint({ dataDir, version, lab }: DaemonOptions, opened: Opened, address: Address): void {
  writeEndpoint(dataDir, { ...address, pid: process.pid, version, lab });
  opened.push(() => {
    removeEndpoint(dataDir);
  });
}
