import { mkdir, open, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { answerApi } from './cloudstack/api.ts';
import { createJobWork } from './cloudstack/calls.ts';
import { createJobs } from './cloudstack/jobs.ts';
import { answerControl } from './control/control.ts';
import { ensureVms } from './images/ensure.ts';
import { readTextIfThere, writeFileDurably } from './json-file.ts';
import { lockDir } from './lock.ts';
import type { Log } from './log.ts';
import { createAdversary } from './oma/adversary.ts';
import { type Appliance, createAppliance } from './oma/appliance.ts';
import { createBackingFiles } from './oma/backing-files.ts';
import { chooseNodes, createFileNodes } from './oma/loops.ts';
import { createHostTree } from './oma/tree.ts';
import { type LabServer, startServer } from './server.ts';
import { adminOf, ROOT_DISK_BYTES } from './state.ts';
import { openStore, type Store } from './store.ts';
import { startVcenter, type Vcenter, type VcenterAccess } from './vcenter/vcenter.ts';

export type LabOptions = {
  readonly dir: string;
  /** 0: the port of last time if it is free, else any. */
  readonly port: number;
  readonly log: Log;
  /** `file`: never loop devices, as for an ordinary user. */
  readonly devices?: 'file' | undefined;
  /** Makes names and delays of a new lab repeatable. */
  readonly seed?: number | undefined;
};

export type Lab = {
  readonly url: string;
  readonly apiKey: string;
  close(): Promise<void>;
};

/** DIR/lab.json: all that other processes need to find and use the lab. */
export type LabFile = {
  readonly url: string;
  readonly api_key: string;
  readonly secret_key: string;
  readonly oma_vm_id: string;
  readonly zone_id: string;
  readonly disk_offering_id: string;
  readonly host_root: string;
  readonly vms_dir: string;
  readonly pid: number;
  readonly control_token: string;
  readonly vcenter: VcenterAccess;
};

type Places = Record<
  'dir' | 'volumes' | 'snapshots' | 'oma' | 'vms' | 'images' | 'vcenter' | 'rootDisk' | 'labFile',
  string
>;

/** Starts the stand-in for CloudStack with the appliance's device tree and the VMs to migrate. */
export async function startLab(options: LabOptions): Promise<Lab> {
  await mkdir(options.dir, { recursive: true, mode: 0o700 });
  const places = placesBelow(await realpath(options.dir));
  const lock = await lockDir(join(places.dir, 'lab.lock'));
  try {
    const lab = await startLocked(options, places);
    return {
      ...lab,
      close: async () => {
        try {
          await lab.close();
        } finally {
          await lock.release();
        }
      },
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}

/** Real paths, because the kernel names the file behind a loop device by its real path. */
const placesBelow = (dir: string): Places => ({
  dir,
  volumes: join(dir, 'volumes'),
  snapshots: join(dir, 'snapshots'),
  oma: join(dir, 'oma'),
  vms: join(dir, 'vms'),
  images: join(dir, 'images'),
  vcenter: join(dir, 'vcenter'),
  rootDisk: join(dir, 'oma-root.raw'),
  labFile: join(dir, 'lab.json'),
});

async function startLocked(options: LabOptions, places: Places): Promise<Lab> {
  const { log } = options;
  for (const folder of [places.volumes, places.snapshots, places.oma, places.vms, places.images])
    await mkdir(folder, { recursive: true });
  const store = await openStore(places.dir, Date.now());
  const { state } = store;
  if (options.seed !== undefined) {
    state.random.value = options.seed >>> 0;
    state.adversary.random.value = options.seed >>> 0;
  }
  log('debug', 'The lab opens', { dir: places.dir, seed: state.random.value });
  const nowMs = (): number => Date.now() + state.settings.clock_offset_ms;

  const appliance = await createLabAppliance(options, places, store);
  try {
    await Promise.all([appliance.recover(), ensureVms({ imagesDir: places.images, vmsDir: places.vms })]);
    const vcenter = await startLabVcenter(options, places, { store, nowMs });
    try {
      return await serve(options, places, { store, appliance, vcenter, nowMs });
    } catch (error) {
      await vcenter.close();
      throw error;
    }
  } catch (error) {
    await appliance.powerOff();
    throw error;
  }
}

type Parts = {
  readonly store: Store;
  readonly appliance: Appliance;
  readonly vcenter: Vcenter;
  readonly nowMs: () => number;
};

async function startLabVcenter(
  { log }: LabOptions,
  places: Places,
  { store, nowMs }: Pick<Parts, 'store' | 'nowMs'>,
): Promise<Vcenter> {
  const before = await lastLabFile(places);
  const url = before?.vcenter?.url;
  const port = url === undefined ? 0 : Number(new URL(url).port);
  return await startVcenter({ store, dir: places.vcenter, vmsDir: places.vms, port, nowMs, log });
}

/** lab.json as the last start left it; one of an older lab has no vCenter. */
async function lastLabFile({ labFile: path }: Places): Promise<Partial<LabFile> | null> {
  const text = await readTextIfThere(path);
  return text === null ? null : (JSON.parse(text) as Partial<LabFile>);
}

async function serve(options: LabOptions, places: Places, { store, appliance, vcenter, nowMs }: Parts): Promise<Lab> {
  const { log } = options;
  const { state } = store;
  const context = { store, appliance, nowMs };
  const jobs = createJobs({ store, work: createJobWork(context), nowMs, log });
  const adversary = createAdversary({ store, appliance, log });
  const announce = async (): Promise<void> => {
    const text = `${JSON.stringify(labFile(places, { store, vcenter, url: `http://127.0.0.1:${server.port}` }), null, 2)}\n`;
    await writeFileDurably(places.labFile, text, 0o600);
  };
  const control = { ...context, adversary, vmsDir: places.vms, volumesDir: places.volumes, vcenter, announce };
  const server = await listen(options, places, {
    controlToken: state.controlToken,
    nowMs,
    log,
    api: (request) => answerApi({ ...context, jobs }, request),
    control: (request) => answerControl(control, request),
  });
  const url = `http://127.0.0.1:${server.port}`;
  jobs.resume();
  adversary.follow();
  await store.flush();
  await announce();
  return {
    url,
    apiKey: adminOf(state).apiKey,
    close: async () => {
      await server.close();
      await vcenter.close();
      await jobs.close();
      await adversary.close();
      await appliance.powerOff();
    },
  };
}

async function createLabAppliance(options: LabOptions, places: Places, store: Store): Promise<Appliance> {
  const root = await open(places.rootDisk, 'a', 0o600);
  try {
    await root.truncate(ROOT_DISK_BYTES);
  } finally {
    await root.close();
  }
  const nodes = options.devices === 'file' ? createFileNodes() : await chooseNodes(places.rootDisk);
  options.log('debug', 'The disks of the appliance', { kind: nodes.kind });
  return createAppliance({
    store,
    nodes,
    files: createBackingFiles(places),
    tree: createHostTree(places.oma),
    dir: places.dir,
    rootDisk: places.rootDisk,
    log: options.log,
  });
}

type Handlers = Omit<Parameters<typeof startServer>[0], 'port'>;

/** A port that was asked for is taken or the start fails; the port of last time is only a wish. */
async function listen(options: LabOptions, places: Places, handlers: Handlers): Promise<LabServer> {
  if (options.port !== 0) return startServer({ ...handlers, port: options.port });
  const before = await lastLabFile(places);
  const port = before?.url === undefined ? 0 : Number(new URL(before.url).port);
  try {
    return await startServer({ ...handlers, port });
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PORT_IN_USE') throw error;
    return startServer({ ...handlers, port: 0 });
  }
}

type Reached = Pick<Parts, 'store' | 'vcenter'> & { readonly url: string };

const labFile = (places: Places, { store: { state }, vcenter, url }: Reached): LabFile => ({
  url,
  api_key: adminOf(state).apiKey,
  secret_key: adminOf(state).secretKey,
  oma_vm_id: state.ids.omaVm,
  zone_id: state.ids.zone,
  disk_offering_id: state.ids.customOffering,
  host_root: places.oma,
  vms_dir: places.vms,
  pid: process.pid,
  control_token: state.controlToken,
  vcenter: vcenter.access(),
});
