import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Operation } from '../../shared/contract/operations.ts';
import { cloudOf, endOfJob, newVolume, within } from '../fixtures/cloud-of-lab.ts';
import { type DaemonProcess, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { readRows } from '../fixtures/database-rows.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { detachedVolume, vmWithoutDisk } from '../fixtures/test-vm.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';

const signal = testSignal();

let dir: string;
let daemon: DaemonProcess;
let volumes: VolumeDaemon;
beforeAll(async () => {
  dir = newDataDir();
  await start();
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
  daemon = await startDaemonProcess({ dataDir: dir, env });
  volumes = volumeDaemon(daemon, dir);
}

type Begin = (idempotencyKey: string) => Promise<Operation>;
type Scenario = {
  readonly name: string;
  /** Brings about what the operation needs, by a daemon that lives; the way to begin it. */
  readonly prepare: () => Promise<Begin>;
  /** What CloudStack may have been asked for, once each, whatever was cut short. */
  readonly asksFor: readonly string[];
};

const scenarios: readonly Scenario[] = [
  {
    name: 'create',
    prepare: () =>
      Promise.resolve((key) => {
        const { disk_offering_id: offering, zone_id: zone } = volumes.site;
        const request = { name: 'kill', size: 1, disk_offering_id: offering, zone_id: zone };
        return volumes.createVolume(request, { signal, idempotencyKey: key });
      }),
    asksFor: ['createTags', 'createVolume'],
  },
  {
    name: 'attach',
    prepare: async () => {
      const id = await volumes.newVolume();
      return (key) => volumes.attachVolume(id, volumes.site.oma_vm_id, { signal, idempotencyKey: key });
    },
    asksFor: ['attachVolume'],
  },
  {
    name: 'attach of what is attached already',
    prepare: async () => {
      const cloud = cloudOf(volumes.site);
      const { id } = await newVolume(cloud, volumes.site, `orphan-${crypto.randomUUID()}`);
      await endOfJob(cloud, (await cloud.attachVolume(id, volumes.site.oma_vm_id, within())).jobId);
      return (key) => volumes.attachVolume(id, volumes.site.oma_vm_id, { signal, idempotencyKey: key });
    },
    asksFor: ['createTags'],
  },
  {
    name: 'detach',
    prepare: async () => {
      const { id } = await volumes.attachedVolume();
      return (key) => volumes.detachVolume(id, { signal, idempotencyKey: key });
    },
    asksFor: ['detachVolume'],
  },
  {
    name: 'delete',
    prepare: async () => {
      const id = await volumes.newVolume();
      return (key) => volumes.deleteVolume(id, { signal, idempotencyKey: key });
    },
    asksFor: [],
  },
  {
    name: 'clean-up of a test failover',
    prepare: async () => {
      const vmId = await vmWithoutDisk(daemon, volumes, { name: `kill-${crypto.randomUUID().slice(0, 8)}` });
      const id = await detachedVolume(volumes);
      await volumes.done(volumes.attachRootVolume(id, vmId, { signal }));
      const { oma_vm_id: omaVmId } = volumes.site;
      const request = { test_vm_id: vmId, volume_id: id, oma_vm_id: omaVmId, delete_vm: true };
      return (key) => volumes.cleanUpTestFailover(request, { signal, idempotencyKey: key });
    },
    asksFor: ['attachVolume', 'destroyVirtualMachine', 'detachVolume'],
  },
  {
    name: 'attach as the root disk',
    prepare: async () => {
      const vmId = await vmWithoutDisk(daemon, volumes, { name: `kill-${crypto.randomUUID().slice(0, 8)}` });
      const id = await detachedVolume(volumes);
      return (key) => volumes.attachRootVolume(id, vmId, { signal, idempotencyKey: key });
    },
    asksFor: ['attachVolume'],
  },
  {
    name: 'force-sync',
    prepare: () => Promise.resolve((key) => volumes.forceSync({ signal, idempotencyKey: key })),
    asksFor: [],
  },
];

/** One run with every moment written down. */
async function momentsOf({ prepare }: Scenario): Promise<readonly string[]> {
  const begin = await prepare();
  await daemon.kill('SIGKILL');
  const file = join(dir, 'moments');
  await start({ OSSEA_POINTS_LOG: file });
  await volumes.waitForCompletion((await begin(crypto.randomUUID())).id, { signal });
  await daemon.kill('SIGKILL');
  const all = [...new Set(readFileSync(file, 'utf8').trim().split('\n'))];
  // The parts of a larger operation are operations that have their own turn here.
  const own = all.filter((moment) => moment.startsWith('clean-up'));
  const reached = own.length > 0 ? own : all;
  rmSync(file);
  await start();
  return reached;
}

async function killAt({ prepare, asksFor }: Scenario, moment: string): Promise<void> {
  const begin = await prepare();
  await daemon.kill('SIGKILL');
  await start({ OSSEA_AT: `${moment}@1=kill` });
  const before = new Set((await labBooks(dir)).jobs.map(({ id }) => id));
  const key = crypto.randomUUID();
  // The answer may be lost with the daemon.
  await begin(key).catch((error: unknown) => error);
  expect(await daemon.ended, moment).toMatchObject({ signal: 'SIGKILL' });
  await start();
  // Sent again, the same request finds the same operation.
  const operation = await begin(key);
  expect(await volumes.waitForCompletion(operation.id, { signal }), moment).toMatchObject({ status: 'completed' });
  const asked = (await labBooks(dir)).jobs.filter(({ id }) => !before.has(id));
  expect(asked.map(({ command }) => command).sort(), moment).toEqual([...asksFor].sort());
  expect(await readRows(dir, `SELECT id FROM volume_operations WHERE status IN ('pending','executing')`)).toEqual([]);
  await releaseAll();
}

/** The appliance takes only so many disks: each round leaves none. */
async function releaseAll(): Promise<void> {
  for (const { volume_id: id, type, owner } of await volumes.volumesOfVm(volumes.site.oma_vm_id, { signal })) {
    if (type === 'DATADISK' && owner === 'ours') await volumes.done(volumes.detachVolume(id, { signal }));
  }
}

describe('rule J1: the daemon is killed at every moment of every volume operation', () => {
  test.each(scenarios)('$name: it goes on by itself, and CloudStack is asked for nothing twice', async (scenario) => {
    const moments = await momentsOf(scenario);
    console.log(`${scenario.name}: ${String(moments.length)} moments`);
    expect(moments.length).toBeGreaterThan(2);
    await releaseAll();
    for (const moment of moments) await killAt(scenario, moment);
  });
});
