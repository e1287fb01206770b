import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import type { Site } from '../../shared/contract/sites.ts';
import { type DaemonProcess, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { arm, disarm } from '../fixtures/lab-state.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { readBothEnds } from '../fixtures/outside-proof.ts';
import { migrate, resume } from '../fixtures/steer.ts';

const mib = 1024 ** 2;

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({
    dataDir: dir,
    labSource: 'vcenter',
    settings: { headroom_gib: 0, segment_mib: 16, parallel_transfers: 3 },
  });
});
afterEach(async () => {
  await disarm(dir);
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

function expectProof(job: Migration): void {
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  for (const ends of readBothEnds(dir, job)) expect(ends).toMatchObject({ target: ends.source, tailIsZero: true });
}

/** Without a snapshot, as everywhere where none can be read. */
const migrateCold = (vm: string): Promise<Migration> => migrate(daemon, vm, { cold: true });

const site = async (): Promise<Site> => {
  const { sites } = await daemon.client.call('listSites', {}, { signal: testSignal() });
  const [first] = sites;
  if (first === undefined) throw new Error('there is no site');
  return first;
};

describe('rule M7: disks of a VM that is off, read out of their datastore', () => {
  test('three disks of one size at once, each proved', async () => {
    expectProof(await migrateCold('db-01'));
  });

  test.each(['vc-folder-401', 'vc-folder-cut', 'vc-folder-503'])(
    '%s in mid-copy: what was not read is read again, and the copy is proved',
    async (fault) => {
      await arm(dir, fault, { value: 24 * mib });
      expectProof(await migrateCold('odd-01'));
    },
  );

  test.each(['vc-folder-power-on', 'vc-folder-reconfigured'])('%s in mid-copy: SOURCE_CHANGED', async (fault) => {
    await arm(dir, fault, { value: 100 * mib });
    const job = await migrateCold('pgtest2');
    expect(job).toMatchObject({ status: 'failed', proof: null, error: { code: 'SOURCE_CHANGED' } });
    await labDoes(dir, 'vcenter-vms/pgtest2/power', { state: 'poweredOff' });
  });

  test.each([
    ['rdm-01', 'SOURCE_UNREADABLE'],
    ['encrypted-01', 'SOURCE_UNREADABLE'],
    ['chain-01', 'VM_STATE'],
    ['live-cbt-01', 'VM_STATE'],
  ])('%s cannot be read that way: %s before a byte moves', async (vm, code) => {
    expect(await migrateCold(vm)).toMatchObject({ status: 'failed', bytes_copied: 0, error: { code } });
  });

  test('names with slashes, quotes and umlauts lead to their own files', async () => {
    for (const vm of ['web/app 100% \\ test', 'Größe "42" O\'Brien <prod>']) {
      const job = await migrateCold(vm);
      expect(job.error).toBeNull();
      expect(job).toMatchObject({ status: 'completed', proof: 'full' });
    }
  });

  test('the password changes and every session ends: held VCENTER_AUTH, and after the new password it goes on', async () => {
    const { password } = (await labDoes(dir, 'vcenter/password', {})) as { password: string };
    await labDoes(dir, 'vcenter/expire-sessions', {});
    const job = await migrateCold('odd-01');
    expect(job).toMatchObject({ status: 'held', error: { code: 'VCENTER_AUTH' } });
    const params = { site_id: (await site()).site_id };
    await daemon.client.call('changeSite', { params, body: { password } }, { signal: testSignal() });
    expectProof(await resume(daemon, job.id));
  });
});
