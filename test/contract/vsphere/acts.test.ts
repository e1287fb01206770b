import { Agent, request as httpRequest } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VmSpec } from '../../../main/domain/vm-spec.ts';
import type { Vcenter } from '../../../main/ports/vcenter.ts';
import { memoryLedger, openVcenter, within } from './open-vcenter.ts';
import { type RunningVcenter, vcenters } from './vcenters.ts';

describe.each(vcenters)('what is done to VMs of $name', ({ start }) => {
  let running: RunningVcenter;
  let vcenter: Vcenter;
  let vm: VmSpec;
  beforeAll(async () => {
    running = await start({ vms: 2 });
    vcenter = openVcenter(running);
    const all = await vcenter.listVms(within());
    const on = all.filter(({ powerState }) => powerState === 'on');
    vm = on.find(({ tools }) => tools.running) ?? on[0]!;
  });
  afterAll(async () => {
    await vcenter.close();
    await running.stop();
  });
  const powerState = async (): Promise<VmSpec['powerState']> => (await vcenter.vm(vm.moRef, within())).powerState;

  test('off and on again, with progress; what is off cannot be switched off', async () => {
    const percents: number[] = [];
    await vcenter.powerOff(vm.moRef, { ...within(), onProgress: (percent) => percents.push(percent) });
    expect(await powerState()).toBe('off');
    expect(percents.at(-1)).toBe(100);
    await expect(vcenter.powerOff(vm.moRef, within())).rejects.toMatchObject({
      code: 'VM_STATE',
      details: { method: 'PowerOffVM_Task', fault: 'InvalidPowerState' },
    });
    await vcenter.powerOn(vm.moRef, within());
    expect(await powerState()).toBe('on');
  });

  test('a guest is shut down: it is off when the call returns, and asking again is no harm', async () => {
    await vcenter.shutDownGuest(vm.moRef, { ...within(), timeoutMs: 30_000 });
    expect(await powerState()).toBe('off');
    await vcenter.shutDownGuest(vm.moRef, { ...within(), timeoutMs: 30_000 });
    await vcenter.powerOn(vm.moRef, within());
  });

  test('change tracking is switched on', async () => {
    await vcenter.enableChangeTracking(vm.moRef, within());
    expect((await vcenter.vm(vm.moRef, within())).changeTracking).toBe(true);
  });

  test('a snapshot of ours: intended first, then taken, found again, removed', async () => {
    const ledger = memoryLedger();
    const wanted = { vm: vm.moRef, id: 'a1', description: "web's <disk> & more", quiesce: false, ledger };
    const taken = await vcenter.takeSnapshot(wanted, within());
    expect(ledger.history.map(({ state, moRef }) => [state, moRef])).toEqual([
      ['intended', null],
      ['taken', taken.moRef],
    ]);
    // The answer was lost: only the intent is in the ledger, and the snapshot is there.
    await ledger.record({ id: 'a1', vm: vm.moRef, name: taken.name, moRef: null, state: 'intended' });
    expect(await vcenter.takeSnapshot(wanted, within())).toEqual(taken);
    const { snapshots } = await vcenter.vm(vm.moRef, within());
    expect(snapshots).toMatchObject([{ moRef: taken.moRef, name: 'ossea-a1', state: 'on', children: [] }]);
    expect(
      (await vcenter.snapshotDisks(taken.moRef, within())).map(({ key, capacityBytes }) => [key, capacityBytes]),
    ).toEqual(vm.disks.map(({ key, capacityBytes }) => [key, capacityBytes]));
    const before = await vcenter.sourceState(vm.moRef, { ...within(), diskKey: vm.disks[0]!.key });
    expect(before).toMatchObject({ powerState: 'on', snapshotCount: 1 });
    await vcenter.removeSnapshot({ vm: vm.moRef, id: 'a1', ledger }, within());
    expect((await vcenter.vm(vm.moRef, within())).snapshots).toEqual([]);
    // Removed by an earlier attempt whose answer was lost.
    await vcenter.removeSnapshot({ vm: vm.moRef, id: 'a1', ledger }, within());
    await expect(vcenter.takeSnapshot(wanted, within())).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
  });

  test('a snapshot that the ledger does not know is left alone, whatever its name', async () => {
    const ledger = memoryLedger();
    const wanted = { vm: vm.moRef, id: 'b2', description: '', quiesce: false, ledger };
    const { moRef, name } = await vcenter.takeSnapshot(wanted, within());
    const remove = (): Promise<void> => vcenter.removeSnapshot({ vm: vm.moRef, id: 'b2', ledger }, within());
    ledger.forget('b2');
    await expect(remove()).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_OURS' });
    // Known under this id, but for another VM, and as another snapshot.
    await ledger.record({ id: 'b2', vm: 'vm-other', name, moRef, state: 'taken' });
    await expect(remove()).rejects.toMatchObject({ code: 'SNAPSHOT_NOT_OURS' });
    await ledger.record({ id: 'b2', vm: vm.moRef, name, moRef: 'snapshot-other', state: 'taken' });
    await remove();
    expect((await vcenter.vm(vm.moRef, within())).snapshots).toMatchObject([{ moRef }]);
    await ledger.record({ id: 'b2', vm: vm.moRef, name, moRef, state: 'taken' });
    await remove();
    expect((await vcenter.vm(vm.moRef, within())).snapshots).toEqual([]);
  });

  test('the bytes of a disk are read by the session, and by nobody else', async () => {
    const vms = await vcenter.listVms(within());
    const off = vms.find(({ powerState, isTemplate }) => powerState === 'off' && !isTemplate) ?? vms[0]!;
    const url = vcenter.folderUrl(off, off.disks[0]!);
    const agent = new Agent({ connect: { rejectUnauthorized: false } });
    const statusWith = async (headers: Record<string, string>): Promise<number> => {
      const { statusCode, body } = await httpRequest(url, { method: 'HEAD', headers, dispatcher: agent });
      await body.dump();
      return statusCode;
    };
    try {
      expect(await statusWith({ cookie: await vcenter.sessionCookie(within()) })).toBe(200);
      expect(await statusWith({})).toBe(401);
      const stale = await vcenter.sessionCookie(within());
      await running.endSessions();
      expect(await statusWith({ cookie: stale })).toBe(401);
      expect(await statusWith({ cookie: await vcenter.sessionCookie(within()) })).toBe(200);
    } finally {
      await agent.close();
    }
  });
});
