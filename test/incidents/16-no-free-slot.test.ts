// In the original, disks were attached until the appliance said "No more available PCI slots"; idle ones were left on it.
import { expect, test } from 'vitest';
import { isOver, startMigration, testSignal, waitForMigration } from '../fixtures/daemon-process.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate } from '../fixtures/steer.ts';

const own = ownDaemon({ attach_slots: 1 });

test('one slot, two VMs: the second waits and says why; CloudStack is never asked for more than fits', async () => {
  await labDoes(own.dir, 'settings', { max_data_disks: 1 });
  await labDoes(own.dir, 'vms/clone', { name: 'odd-01', copies: 1 });
  const { vms } = await own.daemon.client.call('listVms', {}, { signal: testSignal() });
  const [copy] = vms.filter((vm) => vm.name !== 'odd-01' && vm.name.startsWith('odd-01'));
  const first = await startMigration(own.daemon, 'odd-01');
  const second = await startMigration(own.daemon, copy?.name ?? '');
  await waitForMigration(own.daemon, second, (job) => job.reason?.startsWith('OMA_SLOTS_FULL') === true);
  for (const id of [first, second])
    expect(await waitForMigration(own.daemon, id, isOver)).toMatchObject({ status: 'completed', proof: 'full' });
  expect((await labBooks(own.dir)).jobs.filter(({ status }) => status === 2)).toEqual([]);
  expect(await own.devices()).toEqual(new Map());
});

test('more disks than the appliance has slots: refused before anything is made', async () => {
  const before = (await labBooks(own.dir)).jobs.length;
  expect(await migrate(own.daemon, 'db-01')).toMatchObject({ status: 'failed', error: { code: 'SLOTS_TOO_FEW' } });
  expect((await labBooks(own.dir)).jobs).toHaveLength(before);
});
