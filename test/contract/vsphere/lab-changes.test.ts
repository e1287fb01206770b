import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Extent } from '../../../main/domain/extent.ts';
import type { VmSpec } from '../../../main/domain/vm-spec.ts';
import type { Vcenter } from '../../../main/ports/vcenter.ts';
import { type MemoryLedger, memoryLedger, openVcenter, within } from './open-vcenter.ts';
import { type LabVcenter, startLabVcenter } from './vcenters.ts';

type Mutated = { readonly disks: readonly { readonly key: number; readonly extents: readonly Extent[] }[] };

/** vcsim has no change tracking. */
describe('what changed on a running VM of the lab', () => {
  let lab: LabVcenter;
  let vcenter: Vcenter;
  let vm: VmSpec;
  let ledger: MemoryLedger;
  let number = 0;
  beforeAll(async () => {
    lab = await startLabVcenter();
    vcenter = openVcenter(lab);
    // Answers that cover a part only, as those of large disks do.
    await lab.control('POST settings', { vc_changed_span_bytes: 5 * 2 ** 20 });
    vm = (await vcenter.listVms(within())).find(({ name }) => name === 'live-cbt-01')!;
    ledger = memoryLedger();
  });
  afterAll(async () => {
    await vcenter.close();
    await lab.stop();
  });
  beforeEach(() => lab.control('DELETE faults'));

  type Frozen = { readonly id: string; readonly moRef: string; readonly changeIds: ReadonlyMap<number, string> };
  async function freeze(): Promise<Frozen> {
    number += 1;
    const id = `run-${number}`;
    const { moRef } = await vcenter.takeSnapshot(
      { vm: vm.moRef, id, description: '', quiesce: true, ledger },
      within(),
    );
    const disks = await vcenter.snapshotDisks(moRef, within());
    return { id, moRef, changeIds: new Map(disks.map(({ key, changeId }) => [key, changeId ?? ''])) };
  }
  const thaw = ({ id }: Frozen): Promise<void> => vcenter.removeSnapshot({ vm: vm.moRef, id, ledger }, within());
  const mutate = async (wanted: object): Promise<Mutated> =>
    (await lab.control(`POST vcenter-vms/${vm.moRef}/mutate`, wanted)) as Mutated;
  const changes = (diskKey: number, since: string, now: Frozen): Promise<readonly Extent[]> => {
    const { capacityBytes } = vm.disks.find(({ key }) => key === diskKey)!;
    const until = now.changeIds.get(diskKey)!;
    return vcenter.changedAreas({ vm: vm.moRef, snapshot: now.moRef, diskKey, capacityBytes, since, until }, within());
  };
  const covers = (areas: readonly Extent[], { offset, length }: Extent): boolean =>
    areas.some((area) => area.offset <= offset && area.offset + area.length >= offset + length);

  test('between two snapshots: every byte that was written, on each disk, and little else', async () => {
    const first = await freeze();
    await thaw(first);
    const written = await mutate({ bytes: 300_000, extents: 6, unaligned: true, seed: 7 });
    const second = await freeze();
    for (const { key } of vm.disks) {
      const areas = await changes(key, first.changeIds.get(key)!, second);
      const wanted = written.disks.find((disk) => disk.key === key)?.extents ?? [];
      expect(wanted.length).toBeGreaterThan(0);
      for (const extent of wanted) expect(covers(areas, extent)).toBe(true);
      expect(areas.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(4 * 2 ** 20);
    }
    await thaw(second);
    expect((await vcenter.vm(vm.moRef, within())).snapshots).toEqual([]);
  });

  test('nothing was written: nothing changed', async () => {
    const first = await freeze();
    await thaw(first);
    const second = await freeze();
    expect(await changes(2000, first.changeIds.get(2000)!, second)).toEqual([]);
    await thaw(second);
  });

  test('a change file that cannot be read, a change id that is none: copy in full', async () => {
    const frozen = await freeze();
    await lab.control('POST faults', { fault: 'vc-cbt-file-fault' });
    await expect(changes(2000, frozen.changeIds.get(2000)!, frozen)).rejects.toMatchObject({
      code: 'CHANGES_UNKNOWN',
      details: { fault: 'FileFault' },
    });
    await expect(changes(2000, 'nonsense', frozen)).rejects.toMatchObject({ code: 'CHANGES_UNKNOWN' });
    const unknown = `${frozen.changeIds.get(2000)!.replace(/\d+$/, '')}9999`;
    await expect(changes(2000, unknown, frozen)).rejects.toMatchObject({ code: 'CHANGES_UNKNOWN' });
    await thaw(frozen);
  });

  test('a disk that grew after it was asked for is no disk to believe', async () => {
    const frozen = await freeze();
    const { capacityBytes } = vm.disks[0]!;
    const query = {
      vm: vm.moRef,
      snapshot: frozen.moRef,
      diskKey: 2000,
      since: '*',
      until: frozen.changeIds.get(2000)!,
    };
    await expect(
      vcenter.changedAreas({ ...query, capacityBytes: capacityBytes + 2 ** 30 }, within()),
    ).rejects.toMatchObject({ code: 'CHANGES_UNKNOWN' });
    await expect(vcenter.changedAreas({ ...query, capacityBytes: 2 ** 20 }, within())).rejects.toMatchObject({
      code: 'CHANGES_UNKNOWN',
    });
    expect(await vcenter.changedAreas({ ...query, capacityBytes }, within())).not.toEqual([]);
    await thaw(frozen);
  });

  test('a snapshot that leaves its files behind is consolidated before it counts as removed', async () => {
    const frozen = await freeze();
    await lab.control('POST faults', { fault: 'vc-consolidation-needed' });
    await thaw(frozen);
    const { snapshots, consolidationNeeded } = await vcenter.vm(vm.moRef, within());
    expect({ snapshots, consolidationNeeded }).toEqual({ snapshots: [], consolidationNeeded: false });
    expect(ledger.history.at(-1)).toMatchObject({ id: frozen.id, state: 'removed' });
  });

  test('a snapshot whose answer is lost is found again; one that fails leaves an intent and nothing else', async () => {
    await lab.control('POST faults', { fault: 'vc-reply-lost', match: { command: 'CreateSnapshot_Task' } });
    const wanted = { vm: vm.moRef, id: 'lost', description: '', quiesce: false, ledger };
    await expect(vcenter.takeSnapshot(wanted, within())).rejects.toMatchObject({ code: 'VCENTER_UNREACHABLE' });
    const { moRef } = await takenAtLast(wanted);
    expect((await vcenter.vm(vm.moRef, within())).snapshots).toMatchObject([
      { moRef, name: 'ossea-lost', children: [] },
    ]);
    await vcenter.removeSnapshot({ vm: vm.moRef, id: 'lost', ledger }, within());

    await lab.control('POST faults', { fault: 'vc-snapshot-fails' });
    await expect(vcenter.takeSnapshot({ ...wanted, id: 'failed', quiesce: true }, within())).rejects.toMatchObject({
      code: 'VCENTER_REFUSED',
    });
    expect(await ledger.find('failed')).toMatchObject({ state: 'intended', moRef: null });
    expect((await vcenter.vm(vm.moRef, within())).snapshots).toEqual([]);
  });

  /** Its task may still run: vCenter then refuses another one, and the caller asks again. */
  async function takenAtLast(wanted: Parameters<Vcenter['takeSnapshot']>[0]): Promise<{ readonly moRef: string }> {
    for (;;) {
      try {
        return await vcenter.takeSnapshot(wanted, within());
      } catch (error) {
        expect(error).toMatchObject({ code: 'VCENTER_BUSY', details: { fault: 'TaskInProgress' } });
      }
    }
  }

  test('rule M7: what happens to the source in the middle of a copy is seen', async () => {
    const off = (await vcenter.listVms(within())).find(({ name }) => name === 'pgtest2')!;
    const look = () => vcenter.sourceState(off.moRef, { ...within(), diskKey: off.disks[0]!.key });
    const before = await look();
    expect(before).toMatchObject({ powerState: 'off', snapshotCount: 0, backingFiles: [off.disks[0]!.vmdkPath] });
    expect(await look()).toEqual(before);
    await lab.control(`POST vcenter-vms/${off.moRef}/reconfigure`);
    const edited = await look();
    expect(edited).toEqual({
      ...before,
      changeVersion: expect.not.stringMatching(`^${before.changeVersion}$`) as string,
    });
    await lab.control(`POST vcenter-vms/${off.moRef}/power`, { state: 'poweredOn' });
    expect(await look()).toMatchObject({ powerState: 'on' });
    await lab.control(`POST vcenter-vms/${off.moRef}/power`, { state: 'poweredOff' });
    await expect(vcenter.sourceState(off.moRef, { ...within(), diskKey: 9999 })).rejects.toMatchObject({
      code: 'SOURCE_CHANGED',
    });
  });
});
