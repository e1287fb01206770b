import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Event } from '../../../shared/contract/events.ts';
import type { Mapping } from '../../domain/device.ts';
import { systemClock } from '../system/clock.ts';
import { systemIds } from '../system/ids.ts';
import { openDatabase, sqlOf } from './database.ts';
import { takeLock } from './lock.ts';
import { openRecords } from './open.ts';

let dir: string;
let published: Event[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ossea-records-'));
  published = [];
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const open = () =>
  openRecords({
    dir,
    hostId: 'oma',
    newId: systemIds.next(),
    kind: 'lab',
    firstNbdPort: 10809,
    clock: systemClock,
    publish: (event) => {
      published.push(event);
    },
  });

const line = (message: string) => ({
  type: 'log.line' as const,
  level: 'info' as const,
  job_id: null,
  message,
  fields: {},
});

test('events are numbered without a gap, in the order of their transactions, and told only once they are on disk', async () => {
  const records = await open();
  const write = (message: string, fails: boolean): Promise<void> =>
    records.store.write(async (tx) => {
      await records.events.append(tx, line(message));
      if (fails) throw new Error('no');
    });
  const results = await Promise.allSettled(['a', 'b', 'c', 'd'].map((message) => write(message, message === 'b')));
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(published.map(({ seq, body }) => [seq, body.type === 'log.line' ? body.message : ''])).toEqual([
    [1, 'a'],
    [2, 'c'],
    [3, 'd'],
  ]);
  expect((await records.events.after(1, 10)).map((event) => event.seq)).toEqual([2, 3]);
  await records.close();
});

const mapping = (volumeId: string, path: string): Mapping => ({
  id: systemIds.next(),
  volumeId,
  hostId: 'oma',
  vmId: systemIds.next(),
  device: { name: path.slice(5), path, dev: '7:1', sizeBytes: 1, diskseq: '1', serial: 'x' },
  bootId: 'boot',
  evidence: { kind: 'serial', serial: 'x', excessBytes: 0 },
  observedAt: systemClock.now(),
  endedAt: null,
  endedBecause: null,
});

test('the schema itself forbids two open mappings of one device, and two devices for one volume', async () => {
  const records = await open();
  const insert = (made: Mapping): Promise<void> => records.store.write((tx) => records.mappings.insert(tx, made));
  const [volume, other] = [systemIds.next(), systemIds.next()];
  const first = mapping(volume, '/dev/vdb');
  await insert(first);
  await expect(insert(mapping(other, '/dev/vdb'))).rejects.toThrow('UNIQUE');
  await expect(insert(mapping(volume, '/dev/vdc'))).rejects.toThrow('UNIQUE');
  await records.store.write((tx) => records.mappings.end(tx, first.id, 'detached'));
  await insert(mapping(other, '/dev/vdb'));
  expect((await records.mappings.openOf(other))?.device.path).toBe('/dev/vdb');
  await records.close();
});

test('a new boot ends every mapping of the host at once', async () => {
  const records = await open();
  for (const letter of ['b', 'c', 'd']) {
    const made = { ...mapping(systemIds.next(), `/dev/vd${letter}`), bootId: letter === 'd' ? 'new' : 'old' };
    await records.store.write((tx) => records.mappings.insert(tx, made));
  }
  expect(await records.store.write((tx) => records.mappings.endAllOfOtherBoots(tx, 'oma', 'new'))).toBe(2);
  expect((await records.mappings.openOn('oma')).map((open) => open.device.path)).toEqual(['/dev/vdd']);
  await records.close();
});

test('what a data directory is, it stays; a database of a newer version is refused', async () => {
  const first = await open();
  const { environmentId } = first;
  await first.close();
  const again = await open();
  expect(again).toMatchObject({ environmentId, bornAs: 'lab', nbdPort: 10809 });
  await again.close();
  const database = await openDatabase(join(dir, 'ossea.db'));
  await database.write((tx) => sqlOf(tx).run('PRAGMA user_version = 9999'));
  await database.close();
  await expect(open()).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
});

test('the lock of a data directory has one holder and is free after its release', async () => {
  const path = join(dir, 'daemon.lock');
  const lock = await takeLock(path);
  await expect(takeLock(path)).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' });
  await lock.release();
  await (await takeLock(path)).release();
});

test('what an earlier system wrote about an export is read, and can never be an open one', async () => {
  const records = await open();
  const insert = (status: string, closedAt: string): Promise<void> =>
    records.store.write(async (tx) => {
      await sqlOf(tx).run(
        `INSERT INTO vm_export_mappings
           (environment_id, host_id, export_name, device_path, status, opened_at, closed_at, vm_id, vm_name, disk_unit_number)
         VALUES ('old', 'oma', 'migration-vm-x-disk0', '/dev/vdb', ?, '2025-08-12T00:00:00.000Z', ${closedAt}, 'x', 'pgtest2', 0)`,
        [status],
      );
    });
  await expect(insert('active', 'NULL')).rejects.toThrow(/CHECK/);
  await insert('closed', "'2025-08-13T00:00:00.000Z'");
  expect(await records.exports.legacy(10)).toEqual([
    {
      export_name: 'migration-vm-x-disk0',
      vm_id: 'x',
      vm_name: 'pgtest2',
      disk_unit_number: 0,
      device_path: '/dev/vdb',
      created_at: '2025-08-12T00:00:00.000Z',
    },
  ]);
  expect(await records.exports.list(10)).toEqual([]);
  expect(await records.exports.active()).toEqual([]);
  await records.close();
});

test('a snapshot of ours is known to its vCenter alone, from the intent on, and after a restart', async () => {
  const intended = { id: 'run-1', vm: 'vm-42', name: 'ossea-run-1', moRef: null, state: 'intended' } as const;
  const before = await open();
  await before.snapshotLedgerOf('site-a').record(intended);
  await before.close();
  const after = await open();
  expect(await after.snapshotLedgerOf('site-a').find('run-1')).toEqual(intended);
  expect(await after.snapshotLedgerOf('site-b').find('run-1')).toBeNull();
  await after.snapshotLedgerOf('site-a').record({ ...intended, moRef: 'snapshot-7', state: 'taken' });
  expect(await after.snapshotLedgerOf('site-a').find('run-1')).toMatchObject({ moRef: 'snapshot-7', state: 'taken' });
  await after.close();
});
