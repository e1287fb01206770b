// In the original, all jobs shared one bridge to the appliance, and the second job killed it under the first.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { eventually } from '../fixtures/real-clock.ts';
import { startSlowTarget } from '../fixtures/slow-target.ts';
import { newJob, vmaGround } from '../fixtures/vma-ground.ts';
import { diskIn } from '../fixtures/vma-process.ts';

const mib = 1024 ** 2;
const sizeBytes = 16 * mib;
const signal = testSignal();
const ground = vmaGround();

test('a second job begins, copies and is cancelled: the mover of the first is the same all the time, and ends well', async () => {
  const slow = { sizeBytes, bytesPerSecond: 4 * mib };
  const [one, two] = [
    await startSlowTarget(ground.oma.folder, { name: 'one', ...slow }),
    await startSlowTarget(ground.oma.folder, { name: 'two', ...slow }),
  ];
  try {
    const begin = async (vmName: string, url: string, diskKey: number): Promise<string> => {
      const vm = await ground.vm(vmName);
      const jobId = newJob();
      const nbd_targets = [{ disk_key: diskKey, url, device_bytes: sizeBytes, extents: null }];
      await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets });
      await diskIn(ground.vma, { jobId, diskKey }, 'connected');
      const body = { disk_key: diskKey, attempt: 1 };
      await ground.vma.call('openGate', { params: { job_id: jobId }, body }, { signal });
      return jobId;
    };
    const first = await begin('independent-01', one.url, 2000);
    const [mover] = processesUsing(ground.dir, 'nbdcopy');
    const second = await begin('mixed-controllers-01', two.url, 3001);
    await eventually(() => readFileSync(two.path).some((byte) => byte !== 0), 'the second copies');
    await ground.vma.call('cancelJob', { body: { job_id: second } }, { signal });
    expect(processesUsing(ground.dir, 'nbdcopy')).toEqual([mover]);
    expect(await diskIn(ground.vma, { jobId: first, diskKey: 2000 }, 'done', 'failed')).toMatchObject({
      state: 'done',
    });
    const source = readFileSync(join(ground.lab.dir, 'vcenter/disks/independent-01-0.raw'));
    expect(readFileSync(one.path).equals(source)).toBe(true);
  } finally {
    await one.stop();
    await two.stop();
  }
});
