import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import { stoppedVm } from '../fixtures/cloud-of-lab.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { readRows, writeRow } from '../fixtures/database-rows.ts';
import { flipBit } from '../fixtures/flip-bit.ts';
import { mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { backingFile } from '../fixtures/outside-proof.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate } from '../fixtures/steer.ts';
import { vmWithoutDisk } from '../fixtures/test-vm.ts';

const mib = 1024 ** 2;
const signal = testSignal();
/** 32 MiB on one disk: 8 chunks. */
const vm = 'efi-secure-01';
const own = ownDaemon({ reuse_volumes: true, sample_percent: 34 }, { labSource: 'vcenter' });

const volumeIdOf = (job: Migration): string => String(job.disks[0]?.volume_id);

function expectEqualEnds(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job.status).toBe('completed');
  for (const ends of readLabEnds(own.dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

/** Proved in full, for this reason; what follows is a delta again, so that the reason was this one and no other. */
async function expectFullOnce(because: string): Promise<void> {
  const job = await migrate(own.daemon, vm);
  expectEqualEnds(job);
  expect(job.proof).toBe('full');
  expect(job.disks[0]).toMatchObject({ mode: 'full', full_because: because, carried_from: null });
  expect(await migrate(own.daemon, vm)).toMatchObject({ status: 'completed', proof: 'delta' });
}

describe('rule P3: a proof says of which kind it is', () => {
  test('the first is full; a delta says how many chunks were read and whose proof carries the others', async () => {
    const first = await migrate(own.daemon, vm);
    expectEqualEnds(first);
    expect(first.proof).toBe('full');
    expect(first.disks[0]).toMatchObject({ chunks_read: null, chunks_carried: null, carried_from: null });
    expect(first.disks[0]?.source_sha256).toBe(first.disks[0]?.target_sha256);

    const { disks } = await mutate(own.dir, vm, { bytes: 4096, extents: 1, seed: 31 });
    const second = await migrate(own.daemon, vm);
    expectEqualEnds(second);
    expect(second.proof).toBe('delta');
    const changed = Math.floor((disks[0]?.extents[0]?.offset ?? 0) / (4 * mib));
    const read = new Set([0, 1, 2, changed]).size;
    const digests = { source_sha256: null, target_sha256: null };
    expect(second.disks[0]).toMatchObject({
      ...{ ...digests, chunks_read: read, chunks_carried: 8 - read, carried_from: first.id },
    });
    expect(second.disks[0]?.manifest_root).not.toBe(first.disks[0]?.manifest_root);
  });

  test('the sample goes round: rot in any chunk is found within ceil(100 / percent) runs', async () => {
    const job = await migrate(own.daemon, vm);
    flipBit(backingFile(own.dir, volumeIdOf(job)), 13 * mib);
    const modes: (string | null | undefined)[] = [];
    for (let run = 0; run < 3; run += 1) modes.push((await migrate(own.daemon, vm)).disks[0]?.mode);
    expect(modes).toContain('full');
    expectEqualEnds(await migrate(own.daemon, vm, { audit: true }));
  });
});

describe('rule P3: over what nothing is carried', () => {
  const moved = 'Something else than this replication may have written to the volume.';

  test('the volume was attached to another VM', async () => {
    const id = volumeIdOf(await migrate(own.daemon, vm));
    const { vmId } = await stoppedVm(own.volumes.site, 'somebody');
    await own.volumes.done(own.volumes.attachVolume(id, vmId, { signal }));
    flipBit(backingFile(own.dir, id), 30 * mib);
    await own.volumes.done(own.volumes.detachVolume(id, { signal }));
    await expectFullOnce(moved);
  });

  test('the volume was the root disk of a test, and is a replica again', async () => {
    const id = volumeIdOf(await migrate(own.daemon, vm));
    const vmId = await vmWithoutDisk(own.daemon, own.volumes, { name: 'test-of-it' });
    await own.volumes.done(own.volumes.attachRootVolume(id, vmId, { signal }));
    const site = own.volumes.site;
    const request = { test_vm_id: vmId, volume_id: id, oma_vm_id: site.oma_vm_id };
    await own.volumes.done(own.volumes.cleanUpTestFailover(request, { signal }));
    await expectFullOnce(moved);
  });

  const manifest = async (): Promise<string> => {
    const [row] = await readRows<{ manifest_root: string }>(own.dir, 'SELECT manifest_root FROM replica_states');
    return join(own.dir, 'manifests', row?.manifest_root ?? '');
  };
  test.each<[string, (path: string) => void]>([
    ['is gone', (path) => rmSync(path)],
    ['was cut short', (path) => truncateSync(path, 100)],
    ['has a flipped bit', (path) => flipBit(path, 60)],
  ])('the manifest %s', async (_how, spoil) => {
    spoil(await manifest());
    await expectFullOnce('The manifest of the last copy is missing or damaged.');
  });

  test('the source disk is smaller than at the last copy', async () => {
    await writeRow(own.dir, 'UPDATE replica_states SET capacity_bytes = capacity_bytes + 512', []);
    await expectFullOnce('The source disk became smaller.');
  });

  test('the volume has another size', async () => {
    await writeRow(own.dir, 'UPDATE replica_states SET volume_bytes = volume_bytes - 512', []);
    await expectFullOnce('The volume has another size than at the last copy.');
  });

  test('another volume takes its place', async () => {
    const before = volumeIdOf(await migrate(own.daemon, vm));
    await own.volumes.done(own.volumes.deleteVolume(before, { confirm: await nameOf(before), signal }));
    await expectFullOnce('Another volume than the one with the last copy is used.');
    expect(readdirSync(join(own.dir, 'manifests')).length).toBeGreaterThan(0);
  });

  const nameOf = async (id: string): Promise<string> => (await own.volumes.volume(id, { signal })).name;
});
