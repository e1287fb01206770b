import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { Log } from '../log.ts';
import { pause } from '../pause.ts';
import type { Store } from '../store.ts';
import { filesOf } from './acts.ts';
import { ensureCertificate, renewCertificate } from './certificate.ts';
import { createChanges } from './changes.ts';
import type { VcenterContext } from './context.ts';
import { createDiskFiles } from './disks/disk-files.ts';
import { startVcenterServer } from './server.ts';
import { createSessions } from './sessions.ts';
import { createTasks } from './tasks.ts';
import { createVms } from './vms.ts';

/** How the lab's vCenter is reached; what lab.json says of it. */
export type VcenterAccess = {
  readonly url: string;
  readonly username: string;
  readonly password: string;
  readonly certificate_sha256: string;
};

export type Vcenter = {
  readonly context: VcenterContext;
  access(): VcenterAccess;
  renewCertificate(): Promise<void>;
  close(): Promise<void>;
};

type Options = {
  readonly store: Store;
  readonly dir: string;
  readonly vmsDir: string;
  /** The port of last time, a wish only. */
  readonly port: number;
  readonly nowMs: () => number;
  readonly log: Log;
};

/** The stand-in for vCenter: SOAP and files over HTTPS, over the very images of the lab. */
export async function startVcenter({ store, dir, vmsDir, port, nowMs, log }: Options): Promise<Vcenter> {
  const places = { disksDir: join(dir, 'disks'), frozenDir: join(dir, 'frozen') };
  for (const folder of Object.values(places)) await mkdir(folder, { recursive: true });
  let certificate = await ensureCertificate(dir);
  const changes = createChanges();
  const vms = createVms({ store, vmsDir, changes, nowMs });
  await vms.reload();
  const disks = createDiskFiles(places);
  await disks.sweep(new Set(vms.all().flatMap((vm) => [...filesOf(vm)])));
  const tasks = createTasks({ store, changes, nowMs, log });
  const own = createLater(log);
  const context: VcenterContext = {
    store,
    log,
    nowMs,
    changes,
    vms,
    disks,
    sessions: createSessions({ store, changes, nowMs }),
    tasks,
    later: own.later,
  };
  const server = await startOnFreePort({ port, certificate, context });
  return {
    context,
    access: () => ({
      url: `https://127.0.0.1:${server.port}/sdk`,
      username: store.state.vcenter.username,
      password: store.state.vcenter.password,
      certificate_sha256: certificate.sha256,
    }),
    renewCertificate: async () => {
      certificate = await renewCertificate(dir);
      server.use(certificate);
    },
    close: async () => {
      await server.close();
      await own.close();
      await tasks.close();
    },
  };
}

async function startOnFreePort(
  options: Parameters<typeof startVcenterServer>[0],
): ReturnType<typeof startVcenterServer> {
  try {
    return await startVcenterServer(options);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'PORT_IN_USE') throw error;
    return await startVcenterServer({ ...options, port: 0 });
  }
}

type Later = { later: VcenterContext['later']; close(): Promise<void> };

function createLater(log: Log): Later {
  const stopping = new AbortController();
  const open = new Set<Promise<void>>();
  return {
    later: (ms, work) => {
      const done = pause(ms, stopping.signal)
        .then(work)
        .catch((error: unknown) => {
          if (error !== stopping.signal.reason)
            log('error', 'What was to happen by itself failed', { error: String(error) });
        })
        .finally(() => open.delete(done));
      open.add(done);
    },
    close: async () => {
      stopping.abort(new Error('The lab stops.'));
      await Promise.all(open);
    },
  };
}
