import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { testSignal } from '../../fixtures/daemon-process.ts';
import { eventually } from '../../fixtures/real-clock.ts';
import { newJob, vmaGround } from '../../fixtures/vma-ground.ts';

const mib = 1024 ** 2;
const signal = testSignal();
const ground = vmaGround();
afterEach(async () => {
  await ground.lab.control('DELETE faults');
});

const idOf = async (name: string): Promise<string> => (await ground.vm(name)).vm_id;
const sourceOf = (vm: string, index = 0): string => join(ground.lab.dir, 'vcenter/disks', `${vm}-${String(index)}.raw`);
const hashIs = (id: string, ...states: string[]) =>
  eventually(
    async () => {
      const found = await ground.vma.call('getHash', { params: { id } }, { signal });
      return states.includes(found.state) ? found : null;
    },
    `the hash is ${states.join(' or ')}`,
  );

describe('what a VMA tells', () => {
  test('health: role, protocol, vCenters, movers', async () => {
    expect(await ground.vma.call('getVmaHealth', {}, { signal })).toMatchObject({
      status: 'healthy',
      role: 'vma',
      protocol: { current: 1, oldest: 1 },
      sites: [{ name: 'Lab', state: 'live' }],
    });
  });

  test('discover: every VM as the vCenter describes it, and no secret of it', async () => {
    const { vms } = await ground.vma.call('discover', { body: {} }, { signal });
    const { disks, vsphere } = vms.find(({ name }) => name === 'mixed-controllers-01')!;
    expect(disks.map(({ key }) => key)).toEqual([32000, 16000, 3001]);
    expect(vsphere?.mo_ref).toMatch(/^vm-/);
    expect(JSON.stringify(vms)).not.toContain(ground.lab.file().vcenter.password);
  });

  test('how a VM would be read, and why', async () => {
    const params = { vm_id: await idOf('live-cbt-01') };
    expect(await ground.vma.call('getCopyMethod', { params }, { signal })).toMatchObject({
      mover: 'lab',
      snapshot: true,
    });
  });

  test('what differs from a document read earlier: the disk that grew, by its key', async () => {
    const known = await ground.vm('vsan-01');
    const params = { vm_id: known.vm_id };
    const { changes: none } = await ground.vma.call('compareSpec', { params, body: { known } }, { signal });
    expect(none).toEqual([]);
    const [disk] = known.disks;
    const older = { ...known, name: 'before', disks: [{ ...disk!, capacity_bytes: mib }] };
    const { changes } = await ground.vma.call('compareSpec', { params, body: { known: older } }, { signal });
    expect(changes).toEqual([
      { field: 'name', was: 'before', is: 'vsan-01' },
      { field: `disks[${String(disk!.key)}].capacity_bytes`, was: mib, is: disk!.capacity_bytes },
    ]);
  });
});

describe('power and change tracking', () => {
  test('on, off, and on again: each answer is what vCenter says then', async () => {
    const params = { vm_id: await idOf('live-cbt-01') };
    const state = () => ground.vma.call('getPowerState', { params }, { signal });
    expect(await state()).toMatchObject({ power_state: 'on' });
    const off = await ground.vma.call('powerOff', { params, body: { mode: 'guest' } }, { signal });
    expect(off).toMatchObject({ power_state: 'off' });
    expect(await state()).toEqual(off);
    // Asked again: it is off already.
    expect(await ground.vma.call('powerOff', { params, body: { mode: 'hard' } }, { signal })).toEqual(off);
    expect(await ground.vma.call('powerOn', { params, body: {} }, { signal })).toMatchObject({ power_state: 'on' });
    await ground.vma.call('powerOff', { params, body: { mode: 'hard' } }, { signal });
    expect(await state()).toMatchObject({ power_state: 'off' });
    await ground.vma.call('powerOn', { params, body: {} }, { signal });
  });

  test('change tracking is switched on', async () => {
    const params = { vm_id: await idOf('efi-secure-01') };
    expect(await ground.vma.call('getChangeTracking', { params }, { signal })).toMatchObject({ enabled: false });
    expect(await ground.vma.call('enableChangeTracking', { params, body: {} }, { signal })).toMatchObject({
      enabled: true,
    });
  });
});

describe('hashes of a disk at its source', () => {
  const wanted = async (more: object = {}) => ({
    id: newJob(),
    vm_id: await idOf('vsan-01'),
    disk_key: 2000,
    snapshot: null,
    bytes: 16 * mib,
    chunks: null,
    ...more,
  });
  const start = (body: Awaited<ReturnType<typeof wanted>>) => ground.vma.call('startHash', { body }, { signal });

  test('the whole disk, and the same id again is the same work', async () => {
    const body = await wanted({ vm_id: await idOf('independent-01') });
    await start(body);
    await start(body);
    const { sha256, manifest_root: root } = await hashIs(body.id, 'done', 'failed');
    expect(sha256).toBe(
      createHash('sha256')
        .update(readFileSync(sourceOf('independent-01')))
        .digest('hex'),
    );
    expect(root).toMatch(/^[0-9a-f]{64}$/);
    await expect(start({ ...body, bytes: mib })).rejects.toMatchObject({ code: 'IDEMPOTENCY_KEY_REUSED' });
    await ground.vma.call('stopHash', { params: { id: body.id } }, { signal });
    const forgotten = ground.vma.call('getHash', { params: { id: body.id } }, { signal });
    await expect(forgotten).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('chosen chunks of what a snapshot froze', async () => {
    const id = newJob();
    const vm_id = await idOf('live-cbt-01');
    const params = { vm_id };
    const { snapshot, disks } = await ground.vma.call('freezeVm', { params, body: { id, quiesce: false } }, { signal });
    expect(disks.map(({ disk_key: key }) => key)).toEqual([2000, 2001]);
    const body = await wanted({ vm_id, snapshot, bytes: 64 * mib, chunks: [0, 3, 15] });
    await start(body);
    const { digests } = await hashIs(body.id, 'done', 'failed');
    const source = readFileSync(sourceOf('live-cbt-01'));
    const expected = [0, 3, 15].map((chunk) =>
      createHash('sha256')
        .update(source.subarray(chunk * 4 * mib, (chunk + 1) * 4 * mib))
        .digest('hex'),
    );
    expect(digests).toEqual(expected);

    const until = disks[0]!.change_id!;
    const query = { snapshot, disk_key: 2000, capacity_bytes: 64 * mib, since: '*', until };
    const { areas } = await ground.vma.call('readChangedAreas', { params, body: query }, { signal });
    expect(areas.length).toBeGreaterThan(0);
    const state = { params, body: { disk_key: 2000, snapshot } };
    const { fingerprint } = await ground.vma.call('readDiskState', state, { signal });
    expect(fingerprint).toContain(snapshot);
    await ground.vma.call('thawVm', { params: { vm_id, id } }, { signal });
    // Its snapshot is gone: not ours any more.
    await expect(ground.vma.call('readDiskState', state, { signal })).rejects.toMatchObject({
      code: 'SNAPSHOT_NOT_OURS',
    });
  });

  test.each([
    [{ chunks: [1, 0] }, 'INVALID_REQUEST'],
    [{ chunks: [1, 1] }, 'INVALID_REQUEST'],
    [{ chunks: [4] }, 'INVALID_REQUEST'],
    [{ bytes: 16 * mib + 1 }, 'INVALID_REQUEST'],
    [{ disk_key: 7 }, 'UNKNOWN_DISK'],
    [{ snapshot: 'snapshot-9' }, 'SNAPSHOT_NOT_OURS'],
  ])('%j is refused', async (more, code) => {
    await expect(wanted(more).then(start)).rejects.toMatchObject({ code });
  });

  test('a disk that cannot be read: failed, with the reason', async () => {
    const body = await wanted({ vm_id: await idOf('live-notools-01') });
    await start(body);
    expect(await hashIs(body.id, 'failed', 'done')).toMatchObject({
      state: 'failed',
      error: { code: 'SOURCE_CHANGED' },
    });
  });

  test('the state of a disk of a VM that is on is refused, and of one that is off the same twice', async () => {
    const on = { params: { vm_id: await idOf('live-notools-01') }, body: { disk_key: 2000, snapshot: null } };
    await expect(ground.vma.call('readDiskState', on, { signal })).rejects.toMatchObject({ code: 'VM_STATE' });
    const off = { params: { vm_id: await idOf('efi-secure-01') }, body: { disk_key: 2000, snapshot: null } };
    const first = await ground.vma.call('readDiskState', off, { signal });
    expect(await ground.vma.call('readDiskState', off, { signal })).toEqual(first);
  });
});

test('ossea site list works on the data directory of a VMA', () => {
  const ossea = join(import.meta.dirname, '../../../dist/ossea.cjs');
  const said = execFileSync(process.execPath, [ossea, 'site', 'list', '--json', '--data-dir', ground.dir], {
    encoding: 'utf8',
  });
  expect(JSON.parse(said)).toMatchObject({ sites: [{ name: 'Lab', state: 'live' }] });
});
