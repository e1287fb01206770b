import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { readLabFile } from '../fixtures/cloud-of-lab.ts';
import { startMigration, testSignal, waitForBytes } from '../fixtures/daemon-process.ts';
import { readRows } from '../fixtures/database-rows.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { snapshotsOf } from '../fixtures/lab-snapshots.ts';
import { arm } from '../fixtures/lab-state.ts';
import { rawSoap, taskOf } from '../fixtures/lab-vcenter.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { cancel, migrate } from '../fixtures/steer.ts';
import { whileStopped } from '../fixtures/while-stopped.ts';

const mib = 1024 ** 2;
/** 32 MiB on one disk. */
const vm = 'efi-secure-01';
const moRef = 'VirtualMachine:vm-120';
const own = ownDaemon({ reuse_volumes: true, segment_mib: 8 }, { labSource: 'vcenter' });

function expectEqualEnds(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job.status).toBe('completed');
  for (const ends of readLabEnds(own.dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

type State = { readonly change_id: string; readonly manifest_root: string; readonly job_id: string };
const state = async (): Promise<State | undefined> =>
  (await readRows<State>(own.dir, 'SELECT change_id, manifest_root, job_id FROM replica_states'))[0];

async function expectFull(because: RegExp): Promise<void> {
  const job = await migrate(own.daemon, vm);
  expectEqualEnds(job);
  expect(job.proof).toBe('full');
  expect(job.disks[0]?.full_because).toMatch(because);
}

const settings = async (body: object): Promise<void> => {
  await own.daemon.client.call('changeSettings', { body }, { signal: testSignal() });
};

describe('rule J6: any doubt about what changed is a full copy that says so', () => {
  test('change tracking that cannot be had: every copy is full', async () => {
    await labDoes(own.dir, 'vcenter/privileges', { denied: ['VirtualMachine.Config.ChangeTracking'] });
    for (const _run of [1, 2]) await expectFull(/^vCenter does not track the changes of this disk/);
    await labDoes(own.dir, 'vcenter/privileges', { denied: [] });
    await expectFull(/^It is the first copy of this disk/);
    expect(await migrate(own.daemon, vm)).toMatchObject({ proof: 'delta' });
  });

  test('change tracking was switched off and on: what an id of before says is worth nothing', async () => {
    const soap = rawSoap({ file: () => readLabFile(join(own.dir, 'lab')) });
    await soap.logIn();
    for (const on of [false, true]) {
      const spec = `<spec><changeTrackingEnabled>${String(on)}</changeTrackingEnabled></spec>`;
      expect(await taskOf(soap, soap.call('ReconfigVM_Task', moRef, spec))).toMatchObject({ fault: null });
    }
    await mutate(own.dir, vm, { bytes: mib, extents: 2, seed: 61 });
    await expectFull(/Change tracking was reset since then, or the disk was reverted or replaced/);
  });

  test('vCenter cannot read its change file', async () => {
    await mutate(own.dir, vm, { bytes: mib, extents: 2, seed: 62 });
    await arm(own.dir, 'vc-cbt-file-fault');
    await expectFull(/^What changed cannot be told for certain: .*FileFault/);
  });

  test('vCenter tells of a few areas at a time: it is asked until the whole disk is covered', async () => {
    await labDoes(own.dir, 'settings', { vc_changed_areas_max: 2, vc_changed_span_bytes: 3 * mib });
    await mutate(own.dir, vm, { bytes: mib, extents: 12, seed: 63 });
    const job = await migrate(own.daemon, vm);
    expectEqualEnds(job);
    expect(job.proof).toBe('delta');
    await labDoes(own.dir, 'settings', { vc_changed_areas_max: 2000, vc_changed_span_bytes: 0 });
  });
});

describe('rule J6: change id, manifest and generation are of one proof', () => {
  test('they are kept with the proof and not before it', async () => {
    const before = await state();
    await mutate(own.dir, vm, { bytes: mib, extents: 2, seed: 64 });
    let inBetween: State | undefined;
    const job = await whileStopped(own, {
      vm,
      moment: 'copy-disk/compare/before-intent@1',
      mischief: async () => {
        inBetween = await state();
      },
    });
    expectEqualEnds(job);
    expect(inBetween).toEqual(before);
    const after = await state();
    expect(after).toMatchObject({ job_id: job.id, manifest_root: job.disks[0]?.manifest_root });
    expect(after?.change_id).not.toBe(before?.change_id);
  });

  test('a copy that ends halfway keeps the old change id; what it wrote is sent again, even where nothing tells of it', async () => {
    const before = await state();
    // The same bytes come and go: compared with the last proof the disk has not changed at all.
    const pieces = { bytes: 6 * mib, extents: 3, seed: 65 };
    await mutate(own.dir, vm, { ...pieces, zero: true });
    expectEqualEnds(await migrate(own.daemon, vm));
    const clean = await state();
    expect(clean?.change_id).not.toBe(before?.change_id);
    await mutate(own.dir, vm, pieces);
    await settings({ rate_mib_per_second: 2 });
    const id = await startMigration(own.daemon, vm);
    await waitForBytes(own.daemon, id, 2 * mib);
    expect((await cancel(own.daemon, id)).status).toBe('cancelled');
    await settings({ rate_mib_per_second: null });
    expect(await state()).toEqual(clean);
    await mutate(own.dir, vm, { ...pieces, zero: true });
    const job = await migrate(own.daemon, vm);
    expectEqualEnds(job);
    expect(job.proof).toBe('delta');
    expect(job.bytes_copied).toBeGreaterThanOrEqual(5 * mib);
    expect(await snapshotsOf(own.dir, vm)).toEqual([]);
  });

  test('a full copy that ends halfway leaves a replica that must not be believed', async () => {
    await settings({ rate_mib_per_second: 2 });
    const id = await startMigration(own.daemon, vm, { full: true });
    await waitForBytes(own.daemon, id, 2 * mib);
    expect((await cancel(own.daemon, id)).status).toBe('cancelled');
    await settings({ rate_mib_per_second: null });
    await expectFull(/^The last full copy did not come to its end/);
  });
});
