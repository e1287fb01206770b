import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForBytes,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { leftovers, processesUsing } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { migrate, viewsOf } from '../fixtures/steer.ts';
import { demoVmaPid } from '../fixtures/vma-process.ts';

const mib = 1024 ** 2;

let dir: string;
let daemon: DaemonProcess;
const start = async (): Promise<void> => {
  daemon = await startDaemonProcess({ dataDir: dir, labSource: 'vma', settings: { headroom_gib: 0, segment_mib: 16 } });
};
beforeAll(async () => {
  dir = newDataDir();
  await start();
  await labDoes(dir, 'settings', { delay_ms: [1, 20], vc_task_ms: [1, 20] });
});
afterEach(() => {
  process.kill(vmaPid(), 'SIGCONT');
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const vmaPid = (): number => demoVmaPid(dir);

/** Both ends hashed by other programs, with the copy at rest. */
function expectProved(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  for (const { source, target, tailIsZero } of readBothEnds(dir, job)) {
    expect(target).toBe(source);
    expect(tailIsZero).toBe(true);
  }
}

const reasonsOf = async (id: string): Promise<readonly string[]> =>
  (await viewsOf(daemon, id)).flatMap(({ reason }) => (reason === null ? [] : [reason]));

test('a VM with three disks comes through the VMA, and each volume holds what its disk holds', async () => {
  const { vms } = await daemon.client.call('listVms', {}, { signal: testSignal() });
  const vm = vms.find(({ name }) => name === 'db-01');
  expect(vm).toMatchObject({ source_kind: 'vsphere', site_name: 'Demo VMA' });
  expect(vm?.disks.every(({ format }) => format === 'vma')).toBe(true);
  const job = await migrate(daemon, 'db-01');
  expect(job.disks).toHaveLength(3);
  expectProved(job);
  // The password of the vCenter is the VMA's alone.
  const { vcenter } = JSON.parse(readFileSync(join(dir, 'lab/lab.json'), 'utf8')) as { vcenter: { password: string } };
  expect(readFileSync(join(dir, 'daemon.log')).includes(vcenter.password)).toBe(false);
});

test('kill -9 of the VMA in mid-copy: its movers die with it, it is started again, and the copy goes on', async () => {
  const id = await startMigration(daemon, 'db-01');
  await waitForBytes(daemon, id, 4 * mib);
  const killed = vmaPid();
  process.kill(killed, 'SIGKILL');
  await eventually(() => vmaPid() !== killed, 'the VMA is started again');
  const job = await waitForMigration(daemon, id);
  expectProved(job);
  expect(await reasonsOf(id)).toContainEqual(expect.stringMatching(/^VMA_UNREACHABLE: /));
});

test('the VMA stops answering in mid-copy: that is unknown, and it goes on when it answers again', async () => {
  const id = await startMigration(daemon, 'db-01');
  await waitForBytes(daemon, id, 4 * mib);
  process.kill(vmaPid(), 'SIGSTOP');
  const silent = await waitForMigration(daemon, id, ({ reason }) => reason?.startsWith('VMA_UNREACHABLE') === true);
  expect(silent).toMatchObject({ status: 'waiting', completed_at: null });
  process.kill(vmaPid(), 'SIGCONT');
  expectProved(await waitForMigration(daemon, id));
});

test('kill -9 of the daemon in mid-copy: it asks the VMA to stop the old movers, and completes', async () => {
  const id = await startMigration(daemon, 'db-01');
  await waitForBytes(daemon, id, 4 * mib);
  const vma = vmaPid();
  await daemon.kill('SIGKILL');
  expect(processesUsing(join(dir, 'vma'))).toContainEqual(expect.objectContaining({ pid: vma }));
  await start();
  expect(vmaPid()).toBe(vma);
  expectProved(await waitForMigration(daemon, id));
});

test('a VMA that nobody can reach is a wait, also before the first byte; the site says so', async () => {
  const signal = testSignal();
  process.kill(vmaPid(), 'SIGSTOP');
  const { sites } = await daemon.client.call('listSites', {}, { signal });
  const site = sites.find(({ kind }) => kind === 'vma');
  const test = await daemon.client.call('testSite', { params: { site_id: site?.site_id ?? '' } }, { signal });
  expect(test).toMatchObject({ ok: false, steps: [{ step: 'reach', error: { code: 'VMA_UNREACHABLE' } }] });
  process.kill(vmaPid(), 'SIGCONT');
  expectProved(await migrate(daemon, 'pgtest2'));
});
