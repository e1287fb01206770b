// In the original, a disk was named by its place in a list: both disks of a VM were written to one volume.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { newJob, vmaGround } from '../fixtures/vma-ground.ts';
import { diskIn } from '../fixtures/vma-process.ts';

const mib = 1024 ** 2;
const signal = testSignal();
const ground = vmaGround();
const vmName = 'mixed-controllers-01';

test('three disks of one size, named in any order: each arrives at the target of its own key', async () => {
  const vm = await ground.vm(vmName);
  const keys = vm.disks.map(({ key }) => key);
  expect(keys).toEqual([32000, 16000, 3001]);
  const targets = [];
  for (const key of [...keys].sort((a, b) => a - b)) targets.push({ key, ...(await ground.target(key, 16 * mib)) });
  const jobId = newJob();
  const nbd_targets = targets.map(({ target }) => target);
  await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets });
  for (const key of keys) {
    await diskIn(ground.vma, { jobId, diskKey: key }, 'connected');
    const body = { disk_key: key, attempt: 1 };
    await ground.vma.call('openGate', { params: { job_id: jobId }, body }, { signal });
  }
  for (const { key, disk } of targets) {
    expect(await diskIn(ground.vma, { jobId, diskKey: key }, 'done', 'failed')).toMatchObject({ state: 'done' });
    const file = join(ground.lab.dir, 'vcenter/disks', `${vmName}-${String(keys.indexOf(key))}.raw`);
    expect(readFileSync(disk.node).equals(readFileSync(file)), String(key)).toBe(true);
  }
  const [first, second] = keys.map((_key, place) =>
    readFileSync(join(ground.lab.dir, 'vcenter/disks', `${vmName}-${String(place)}.raw`)),
  );
  expect(first?.equals(second ?? Buffer.alloc(0))).toBe(false);
});

test.each([0, 1, 2])('the place %i is no name of a disk', async (place) => {
  const vm = await ground.vm(vmName);
  const { target } = await ground.target(place, 16 * mib);
  const asked = { job_id: newJob(), vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets: [target] };
  await expect(ground.replicate(asked)).rejects.toMatchObject({ code: 'UNKNOWN_DISK', details: { disk_key: place } });
});
