import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { gone, openDescriptors } from '../../main/adapters/processes/proc.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  waitForBytes,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labAccess, labDoes } from '../fixtures/lab-control.ts';
import { mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { snapshotsOf } from '../fixtures/lab-snapshots.ts';
import { leftovers, processesUsing } from '../fixtures/leftovers.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { demoVmaPid } from '../fixtures/vma-process.ts';

const vm = 'chain-01';
const foreign = ['before patch', 'after patch', 'Größe "neu" & <alt>'];
/** Small segments: each is a run of its own, so that there is a middle to be caught in. */
const settings = { headroom_gib: 0, segment_mib: 1, reuse_volumes: true } as const;

let dir: string;
let daemon: DaemonProcess;
const start = async (): Promise<void> => {
  daemon = await startDaemonProcess({ dataDir: dir, labSource: 'vma', settings });
};
beforeAll(async () => {
  dir = newDataDir();
  await start();
  await labDoes(dir, 'settings', { delay_ms: [1, 20], vc_task_ms: [1, 20] });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const vmaPid = (): number => demoVmaPid(dir);

const killOne = async (program: string, below: string): Promise<void> => {
  const pid = await eventually(() => processesUsing(below, program)[0]?.pid ?? null, `a ${program} at work`);
  process.kill(pid, 'SIGKILL');
};

const victims: Readonly<Record<string, () => Promise<void> | void>> = {
  'kill -9 of the VMA': () => {
    process.kill(vmaPid(), 'SIGKILL');
  },
  'kill -9 of the OMA': async () => {
    await daemon.kill('SIGKILL');
    await start();
  },
  'kill -9 of the mover': () => killOne('nbdcopy', join(dir, 'vma')),
  'kill -9 of the lab, its vCenter and CloudStack': () => {
    process.kill(labAccess(dir).pid, 'SIGKILL');
  },
  'a cut wire': async () => {
    const servers = await eventually(() => {
      const pids = writersNow().map(({ pid }) => pid);
      return pids.length > 0 && pids;
    }, 'a connection for the data');
    for (const pid of servers) process.kill(pid, 'SIGKILL');
  },
};

/** Who has a disk of the appliance open for writing: children of the NBD server, one a connection. */
function writersNow(): { readonly pid: number; readonly dev: string }[] {
  const block = join(dir, 'lab/oma/sys/block');
  const disks = new Set(
    readdirSync(block).flatMap((name) => gone(() => readFileSync(join(block, name, 'dev'), 'utf8').trim()) ?? []),
  );
  return processesUsing(dir, 'nbd-server').flatMap(({ pid }) => {
    const open = openDescriptors(pid).flatMap(({ dev, writable }) => (dev !== null && writable ? [dev] : []));
    return [...new Set(open)].filter((dev) => disks.has(dev)).map((dev) => ({ pid, dev }));
  });
}

/** The most writers that one disk had at a time, looked at again and again. */
async function mostWriters({ signal }: { readonly signal: AbortSignal }): Promise<number> {
  let most = 0;
  while (!signal.aborted) {
    const devs = writersNow().map(({ dev }) => dev);
    for (const dev of new Set(devs)) most = Math.max(most, devs.filter((one) => one === dev).length);
    await pause(5);
  }
  return most;
}

function expectEqualEnds(job: Migration, proof: 'full' | 'delta'): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof });
  for (const ends of readLabEnds(dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

describe.each(['full', 'delta'] as const)('in the middle of a %s copy through a VMA', (kind) => {
  test.each(Object.keys(victims))(
    '%s: it completes, no snapshot of ours is left, those of others stay, and there never were two writers',
    async (victim) => {
      if (kind === 'delta') {
        const before = await startMigration(daemon, vm);
        expect(await waitForMigration(daemon, before)).toMatchObject({ status: 'completed' });
      }
      await mutate(dir, vm, { bytes: 8 * 1024 ** 2, extents: 64 });
      const watching = new AbortController();
      const most = mostWriters(watching);
      const id = await startMigration(daemon, vm, kind === 'full' ? { full: true } : {});
      await waitForBytes(daemon, id, 1);
      await victims[victim]?.();
      const job = await waitForMigration(daemon, id);
      watching.abort();
      expect(await most).toBe(1);
      expectEqualEnds(job, kind);
      expect(await snapshotsOf(dir, vm)).toEqual(foreign);
    },
  );
});
