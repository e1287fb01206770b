// In the original, operations lived in memory: after a restart they stood "pending" or "executing" until somebody edited the table.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { arm, labBooks } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { eventually } from '../fixtures/real-clock.ts';

const own = ownDaemon();
const signal = testSignal();

test('kill -9 with one operation at work and others waiting: all go on by themselves, nothing is done twice', async () => {
  const { volumes } = own;
  const { disk_offering_id, zone_id, oma_vm_id: omaVmId } = volumes.site;
  const ids = [await volumes.newVolume(), await volumes.newVolume()];
  await arm(own.dir, 'slow-job', { value: 1_500, match: { command: 'attachVolume' } });
  await arm(own.dir, 'slow-create', { value: 1_500 });
  const begun = [
    ...(await Promise.all(ids.map((id) => volumes.attachVolume(id, omaVmId, { signal })))),
    await volumes.createVolume({ name: 'third', size: 1024 ** 3, disk_offering_id, zone_id }, { signal }),
  ];
  await eventually(
    async () => (await labBooks(own.dir)).jobs.filter(({ status }) => status === 0).length === 2,
    'one attach and one create run in CloudStack',
  );
  await own.daemon.kill('SIGKILL');
  await own.start();
  for (const { id } of begun)
    expect(await own.volumes.waitForCompletion(id, { signal })).toMatchObject({ status: 'completed', error: null });
  const devices = await own.devices();
  for (const id of ids) {
    expect(await own.asked('attachVolume', id)).toBe(1);
    expect(await own.volumes.device(id, { signal })).toMatchObject({ device_path: devices.get(id) });
  }
  expect((await labBooks(own.dir)).volumes.filter(({ name }) => name.startsWith('third-'))).toHaveLength(1);
});
