import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VmSpec } from '../../../main/domain/vm-spec.ts';
import type { VmChanges } from '../../../main/ports/vcenter.ts';
import { eventually } from '../../fixtures/real-clock.ts';
import { listWithGovmomi } from '../../fixtures/vcsim.ts';
import { memoryLedger, within, withVcenter } from './open-vcenter.ts';
import { snakeCase } from './snake-case.ts';
import { type RunningVcenter, vcenters } from './vcenters.ts';

describe.each(vcenters)('the inventory of $name', ({ start }) => {
  let vcenter: RunningVcenter;
  beforeAll(async () => {
    vcenter = await start({ vms: 40, pageSize: 7 });
  });
  afterAll(() => vcenter.stop());

  const list = (): Promise<readonly VmSpec[]> => withVcenter(vcenter, (one) => one.listVms(within()));

  test('govmomi, which others wrote, tells the same of every VM, field by field', async () => {
    const ours = [...(await list())].sort((a, b) => (a.moRef < b.moRef ? -1 : 1));
    expect(ours.length).toBeGreaterThan(5);
    expect(ours.map(snakeCase)).toEqual(await listWithGovmomi(vcenter));
  });

  test('the same order every time; a VM that is asked for alone is the one of the list', async () => {
    const [first, second] = [await list(), await list()];
    expect(second).toEqual(first);
    const names = first.map(({ name }) => name);
    expect(names).toEqual([...names].sort(new Intl.Collator('en', { numeric: true }).compare));
    const any = first[3]!;
    expect(await withVcenter(vcenter, (one) => one.vm(any.moRef, within()))).toEqual(any);
  });

  test('rows come page by page, each complete, none twice', async () => {
    const pages: (readonly VmSpec[])[] = [];
    await withVcenter(vcenter, (one) => one.vms((page) => pages.push(page), within()));
    expect(pages.length).toBeGreaterThan(1);
    expect(pages.flat().every(({ folderPath, host }) => folderPath !== null && host !== null)).toBe(true);
    const refs = pages.flat().map(({ moRef }) => moRef);
    expect(new Set(refs).size).toBe(refs.length);
    expect(refs).toHaveLength((await list()).length);
  });

  test('what VMs refer to is there under the same names', async () => {
    const [vms, inventory] = [await list(), await withVcenter(vcenter, (one) => one.inventory(within()))];
    const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name);
    for (const vm of vms) {
      expect(names(inventory.hosts)).toContain(vm.host);
      expect(names(inventory.datacenters)).toContain(vm.datacenter);
      for (const { datastore } of vm.disks) expect(names(inventory.datastores)).toContain(datastore);
      for (const { network } of vm.nics) expect(names(inventory.networks)).toContain(network);
    }
    expect(inventory.hosts.every((host) => host.version !== null && host.connectionState === 'connected')).toBe(true);
    expect(inventory.datastores.every((one) => one.type !== null && (one.freeBytes ?? 0) > 0)).toBe(true);
  });

  test('a VM that never was is gone, not empty', async () => {
    await expect(withVcenter(vcenter, (one) => one.vm('vm-999999', within()))).rejects.toMatchObject({
      code: 'VCENTER_OBJECT_GONE',
    });
  });

  test('whoever watches has the whole inventory first, then each change, also over the end of the session', async () => {
    await withVcenter(vcenter, async (one) => {
      const told: VmChanges[] = [];
      const known = new Map<string, VmSpec>();
      const stop = new AbortController();
      const watch = one.watchVms(
        (changes) => {
          told.push(changes);
          for (const vm of changes.changed) known.set(vm.moRef, vm);
          for (const moRef of changes.gone) known.delete(moRef);
        },
        { signal: stop.signal },
      );
      const ended = expect(watch).rejects.toThrow('seen enough');
      await eventually(() => told.at(-1)?.complete, 'the first look is complete');
      const all = await list();
      expect([...known.values()].sort((a, b) => (a.moRef < b.moRef ? -1 : 1))).toEqual(
        [...all].sort((a, b) => (a.moRef < b.moRef ? -1 : 1)),
      );

      const vm = all.find(({ powerState, snapshots }) => powerState === 'on' && snapshots.length === 0)!;
      await one.powerOff(vm.moRef, within());
      await eventually(() => known.get(vm.moRef)?.powerState === 'off', 'the power-off is seen');
      await vcenter.endSessions();
      const ledger = memoryLedger();
      const request = { vm: vm.moRef, description: 'seen by a watch', quiesce: false, ledger };
      await one.takeSnapshot({ ...request, id: 'watched' }, within());
      await eventually(() => known.get(vm.moRef)?.snapshots.length === 1, 'the snapshot is seen in a new session');
      await one.removeSnapshot({ vm: vm.moRef, id: 'watched', ledger }, within());
      await eventually(() => known.get(vm.moRef)?.snapshots.length === 0, 'its removal is seen');
      await one.powerOn(vm.moRef, within());
      await eventually(() => known.get(vm.moRef)?.powerState === 'on', 'the power-on is seen');
      expect(known.size).toBe(all.length);
      stop.abort(new Error('seen enough'));
      await ended;
    });
  });
});
