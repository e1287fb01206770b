import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from '../../../test/fixtures/real-clock.ts';
import { type ScheduleBench, scheduleBench, vmNamed } from '../../../test/fixtures/schedule-bench.ts';
import { systemIds } from '../../adapters/system/ids.ts';
import { startOf } from './occurrences.ts';

const minute = 60_000;
const hour = 60 * minute;
const web = vmNamed('web');
const db = vmNamed('db');

let bench: ScheduleBench;
beforeEach(async () => {
  bench = await scheduleBench('2027-03-01T10:30:00.000Z');
});
afterEach(async () => {
  await bench.remove();
});

describe('when it is time', () => {
  test('a migration starts, once, made by the usecase, with its occurrence in the same transaction', async () => {
    const row = await bench.add(web);
    await bench.pass(29 * minute);
    expect(bench.begun).toEqual([]);
    await bench.pass(minute);
    expect(bench.begun).toEqual(['web']);
    const [run, ...others] = await bench.runs(row);
    expect(others).toEqual([]);
    expect(run).toMatchObject({ occurrence: '2027-03-01T11:00:00.000Z', missedSince: null, code: null });
    expect(await bench.records.jobs.get(run?.migrationId ?? '')).toMatchObject({ vm_name: 'web', status: 'running' });
    await bench.finish();
    await bench.pass(minute);
    expect(bench.begun).toEqual(['web']);
  });

  test('jitter delays an occurrence by the same time always, and never by more than it may', async () => {
    const row = await bench.add(web, { jitterSeconds: 600 });
    const occurrence = '2027-03-01T11:00:00.000Z';
    const starts = startOf({ ids: systemIds }, row, occurrence);
    expect(startOf({ ids: systemIds }, row, occurrence)).toBe(starts);
    const delayMs = Date.parse(starts) - Date.parse(occurrence);
    expect(delayMs).toBeGreaterThan(0);
    expect(delayMs).toBeLessThanOrEqual(600_000);
    await bench.pass(30 * minute + delayMs - 1000);
    expect(bench.begun).toEqual([]);
    await bench.pass(1000);
    expect(bench.begun).toEqual(['web']);
    expect(await bench.runs(row)).toMatchObject([{ occurrence }]);
  });

  test('one that is not enabled starts nothing', async () => {
    await bench.add(web, { enabled: false });
    await bench.pass(5 * hour);
    expect(bench.begun).toEqual([]);
  });

  test('no more at once than the settings allow; the rest waits, says so, and starts when a place is free', async () => {
    await bench.records.store.write((tx) => bench.records.settings.change(tx, { scheduled_migrations: 1 }));
    await bench.add(web);
    const late = await bench.add(db);
    await bench.pass(30 * minute);
    expect(bench.begun).toHaveLength(1);
    expect(bench.scheduler.waiting(late.id)).toContain('1 scheduled migrations are under way');
    expect(await bench.runs(late)).toEqual([]);
    await bench.finish();
    expect(bench.begun).toEqual(['web', 'db']);
    expect(bench.scheduler.waiting(late.id)).toBeNull();
    expect(await bench.runs(late)).toMatchObject([{ occurrence: '2027-03-01T11:00:00.000Z' }]);
  });
});

describe('what was missed while the machine was off', () => {
  test('is caught up once, by one run that says since when', async () => {
    const row = await bench.add(web);
    await bench.offFor(50 * hour);
    expect(bench.begun).toEqual(['web']);
    expect(await bench.runs(row)).toMatchObject([
      { occurrence: '2027-03-03T12:00:00.000Z', missedSince: '2027-03-01T11:00:00.000Z' },
    ]);
    await bench.finish();
    await bench.pass(20 * minute);
    expect(bench.begun).toEqual(['web']);
    await bench.pass(20 * minute);
    expect(bench.begun).toEqual(['web', 'web']);
  });

  test('is not caught up again by a second start', async () => {
    const row = await bench.add(web);
    await bench.offFor(2 * hour);
    await bench.finish();
    await bench.offFor(minute);
    await bench.offFor(minute);
    expect(bench.begun).toEqual(['web']);
    expect(await bench.runs(row)).toHaveLength(1);
  });

  test('the same occurrence cannot be written twice, whoever tries', async () => {
    const row = await bench.add(web);
    await bench.pass(30 * minute);
    const [run] = await bench.runs(row);
    if (run === undefined) throw new Error('nothing started');
    const again = bench.records.store.write((tx) => bench.records.schedules.settle(tx, run));
    await expect(again).rejects.toThrow('UNIQUE');
  });
});

describe('the clock on the wall is put', () => {
  test('back: what has run is not run again, and the next one comes as usual', async () => {
    const row = await bench.add(web);
    await bench.pass(30 * minute);
    await bench.finish();
    bench.clock.put('2027-03-01T10:50:00.000Z');
    await bench.pass(15 * minute);
    expect(bench.begun).toEqual(['web']);
    await bench.pass(55 * minute);
    expect(bench.begun).toEqual(['web', 'web']);
    expect((await bench.runs(row)).map(({ occurrence }) => occurrence)).toEqual([
      '2027-03-01T12:00:00.000Z',
      '2027-03-01T11:00:00.000Z',
    ]);
  });

  test('far ahead and back again: it does not fall silent until then', async () => {
    bench.clock.put('2099-01-01T00:30:00.000Z');
    const row = await bench.add(web);
    await bench.pass(30 * minute);
    await bench.finish();
    bench.clock.put('2027-03-01T10:31:00.000Z');
    await bench.pass(minute);
    await bench.pass(30 * minute);
    expect(bench.begun).toEqual(['web', 'web']);
    expect((await bench.runs(row)).map(({ occurrence }) => occurrence)).toEqual([
      '2099-01-01T01:00:00.000Z',
      '2027-03-01T11:00:00.000Z',
    ]);
  });

  test('ahead, over the time: it starts at the next look, without any nap that would be too long', async () => {
    await bench.add(web);
    bench.clock.put('2027-03-01T11:20:00.000Z');
    bench.clock.pass(minute);
    await eventually(() => bench.begun.length === 1, 'the start');
  });
});

describe('an occurrence is skipped, with the reason kept, when', () => {
  const skipped = async (code: string, reason: RegExp): Promise<void> => {
    const [row] = await bench.records.schedules.list();
    if (row === undefined) throw new Error('no schedule');
    await bench.pass(30 * minute);
    const [run] = await bench.runs(row);
    expect(run).toMatchObject({ occurrence: '2027-03-01T11:00:00.000Z', migrationId: null, code });
    expect(run?.reason).toMatch(reason);
  };

  const giveVolume = async (role: 'replica' | 'test' | 'live'): Promise<void> => {
    const volumeId = systemIds.next();
    await bench.records.store.write(async (tx) => {
      await bench.records.volumes.insert(tx, {
        ...{ volumeId, name: 'web-disk-0', sizeBytes: 1024 ** 3, origin: 'made', jobId: null, diskKey: null },
        ...{ sourceDisk: `images/here/${web.vmId}/2000`, metadata: {} },
      });
      await bench.records.volumes.setRole(tx, volumeId, role);
    });
  };

  test('the last migration of the VM is not finished', async () => {
    const row = await bench.add(web);
    await bench.pass(30 * minute);
    await bench.pass(hour);
    expect(bench.begun).toEqual(['web']);
    expect(await bench.runs(row)).toMatchObject([{ code: 'VM_ACTIVE', migrationId: null }, { code: null }]);
  });

  test('the VM is gone', async () => {
    await bench.add(web);
    bench.listed.splice(0);
    await skipped('NOT_FOUND', /no longer lists the VM web/);
  });

  test('another source lists a VM of the same UUID', async () => {
    await bench.add(web);
    bench.listed.splice(0, 1, { ...web, sourceId: 'elsewhere' });
    await skipped('NOT_FOUND', /no longer lists/);
    expect(bench.begun).toEqual([]);
  });

  test('it has failed over', async () => {
    await bench.add(web);
    await giveVolume('live');
    await skipped('REPLICA_LIVE', /web-disk-0 of Hard disk 1 is the disk of the live VM/);
    expect(bench.begun).toEqual([]);
  });

  test('its replica was booted', async () => {
    await bench.add(web);
    await giveVolume('test');
    await skipped('REPLICA_DIVERGED', /was booted/);
  });

  test('but a replica that is one is no reason', async () => {
    await bench.add(web);
    await giveVolume('replica');
    await bench.pass(30 * minute);
    expect(bench.begun).toEqual(['web']);
  });
});

test.each([
  ['vCenter', { kind: 'vsphere', username: 'u', certificateSha256: '' } as const, 'VCENTER_UNREACHABLE'],
  ['VMA', { kind: 'vma' } as const, 'VMA_UNREACHABLE'],
])('a %s that has not been read yet is waited for: its VMs are not taken for gone', async (_, kind, code) => {
  const vm = { ...web, sourceKind: 'vsphere' as const };
  const kept = { id: vm.sourceId, name: 'there', url: 'https://there/', createdAt: '2027-01-01T00:00:00.000Z' };
  await bench.records.store.write((tx) => bench.records.sites.insert(tx, { ...kept, ...kind }));
  const row = await bench.add(vm);
  bench.listed.splice(0);
  await bench.pass(30 * minute);
  expect(await bench.runs(row)).toEqual([]);
  expect(bench.scheduler.waiting(row.id)).toBe(`${code}: Its VMs have not been listed yet.`);
  bench.listed.push(vm);
  await bench.pass(0);
  expect(await bench.runs(row)).toMatchObject([{ occurrence: '2027-03-01T11:00:00.000Z', code: null }]);
});
