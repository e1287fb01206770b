import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Transport } from '../../shared/client/transport.ts';
import { AppError, asAppError } from '../../shared/errors.ts';
import { createDiskHasher } from '../adapters/hashing/disk-hasher.ts';
import { createLocalHostAccess } from '../adapters/host/local-host-access.ts';
import { createSourceImages } from '../adapters/images/source-images.ts';
import { createNbdcopyMover } from '../adapters/movers/nbdcopy.ts';
import { createNbdServer } from '../adapters/nbd/nbd-server.ts';
import { findProgram } from '../adapters/processes/find-program.ts';
import { takeLock } from '../adapters/sqlite/lock.ts';
import { openRecords } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemIds } from '../adapters/system/ids.ts';
import { createPoints } from '../adapters/system/points.ts';
import { type Api, startApi } from '../api/server.ts';
import { createEngine } from '../engine/engine.ts';
import { createTurns } from '../engine/turns.ts';
import type { Log } from '../ports/log.ts';
import { createUsecases } from '../usecases/all.ts';
import { createDispatch } from '../usecases/dispatch.ts';
import { createFeed } from '../usecases/feed.ts';
import { createProgressBoard } from '../usecases/progress-board.ts';
import { removeEndpoint, writeEndpoint } from './endpoint-file.ts';
import { freePort } from './free-port.ts';
import { imageFolders } from './image-folders.ts';
import type { Programs } from './programs.ts';
import { openBareSite, openLabSite } from './site.ts';
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
};

export type Daemon = {
  readonly transport: Transport;
  readonly url: string;
  readonly nbdPort: number;
  signInUrl(): string;
  close(): Promise<void>;
};

/** Opens a data directory and works on it until close(). What is opened is closed in reverse, also when opening fails. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async (): Promise<void> => {
    for (let next = closers.pop(); next !== undefined; next = closers.pop()) await next();
  };
  try {
    return { ...(await open(options, closers)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function open(options: DaemonOptions, closers: (() => Promise<void> | void)[]): Promise<Omit<Daemon, 'close'>> {
  const { dataDir, programs, log, lab } = options;
  mkdirSync(join(dataDir, 'vms'), { recursive: true, mode: 0o700 });
  const lock = await takeLock(join(dataDir, 'daemon.lock'));
  closers.push(() => lock.release());
  const clock = systemClock;
  const feed = createFeed();
  const kind = lab ? 'lab' : 'real';
  const firstNbdPort = lab ? await freePort() : nbdPortOfARealSite;
  const records = await openRecords({
    dir: dataDir,
    hostId,
    newId: systemIds.next(),
    kind,
    firstNbdPort,
    clock,
    publish: feed.publish,
  });
  closers.push(() => records.close());
  if (records.bornAs !== kind) throw new AppError('DATA_DIR_KIND', `${dataDir} was made for ${records.bornAs} use.`);
  const site = lab
    ? await openLabSite({ dataDir, programs, clock, log })
    : openBareSite({ dataDir, programs, clock, log });
  closers.push(() => site.close());

  const host = createLocalHostAccess({ root: site.hostRoot, hostId, clock });
  const nbdPort = records.nbdPort;
  const exports = createNbdServer({
    hostAccess: host,
    stateDir: join(dataDir, 'nbd'),
    port: nbdPort,
    nbdServerPath: programPath('nbd-server', log),
    clock,
  });
  closers.push(() => exports.stop());
  const progress = createProgressBoard(clock, feed.publishProgress);
  const images = imageFolders(site.vmDirs.map((dir) => createSourceImages({ dir, sourceId: records.environmentId })));
  const { settings } = records;
  const rateBytesPerSecond = (): number | null => {
    const rate = settings.get().rate_mib_per_second;
    return rate === null ? null : rate * 1024 ** 2;
  };
  const { workflows, migrateVm } = await createWorkflows({
    records,
    cloud: site.cloud,
    site: site.site,
    host,
    exports,
    images,
    progress,
    clock,
    ids: systemIds,
    mover: createNbdcopyMover({
      stateDir: join(dataDir, 'movers'),
      settings: () => ({ rateBytesPerSecond: rateBytesPerSecond() }),
      hostAccess: host,
      exports,
      clock,
    }),
    hasher: createDiskHasher({
      hasherPath: programs.hasher,
      execPath: programs.execPath,
      stateDir: join(dataDir, 'hasher'),
      manifestsDir: join(dataDir, 'manifests'),
      hostAccess: host,
      clock,
    }),
    workTurns: createTurns(() => settings.get().parallel_transfers),
  });
  const points = createPoints(process.env);
  const engine = createEngine({
    journal: records.journal,
    store: records.store,
    clock,
    ids: systemIds,
    points,
    log,
    workflows,
  });
  closers.push(() => engine.close());
  const instanceId = systemIds.next();
  const dispatch = createDispatch(
    createUsecases({
      engine,
      migrateVm,
      images,
      cloud: site.cloud,
      site: site.site,
      host,
      exports,
      progress,
      store: records.store,
      clock,
      ids: systemIds,
      history: records.events,
      rows: records,
      about: { instanceId, version: options.version, lab },
    }),
  );
  const follow = (after: number, deliver: Parameters<typeof feed.follow>[2], signal: AbortSignal): Promise<void> =>
    feed.follow(records.events, after, deliver, { signal });
  const token = randomBytes(32).toString('base64url');
  const pagesDir = join(dirname(programs.ossea), 'renderer');
  const api = await startApi({
    dispatch,
    follow,
    port: options.port,
    token,
    version: options.version,
    pagesDir,
    nowMs: Date.now,
    log,
  });
  closers.push(() => api.close());
  writeEndpoint(dataDir, {
    url: api.url,
    token,
    pid: process.pid,
    instance_id: instanceId,
    version: options.version,
    lab,
  });
  closers.push(() => {
    removeEndpoint(dataDir);
  });
  const resumed = await engine.recover();
  log.info('daemon ready', { url: api.url, nbd_port: nbdPort, lab, resumed });
  return describe(api, nbdPort, {
    call: (name, input, { signal }) => dispatch(name, input, { signal, actor: 'console' }),
    feed: (after, deliver, { signal }) => follow(after, deliver, signal),
  });
}

const describe = (api: Api, nbdPort: number, transport: Transport): Omit<Daemon, 'close'> => ({
  transport,
  url: api.url,
  nbdPort,
  signInUrl: api.signInUrl,
});

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
