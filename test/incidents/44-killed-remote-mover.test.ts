// In the original, a job whose mover was killed stayed "replicating", at the VMA too.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { startSlowTarget } from '../fixtures/slow-target.ts';
import { newJob, vmaGround } from '../fixtures/vma-ground.ts';
import { diskIn } from '../fixtures/vma-process.ts';

const mib = 1024 ** 2;
const signal = testSignal();
const ground = vmaGround();

test.each([
  ['nbdcopy', true],
  ['nbdcopy', false],
  ['nbdkit', true],
])('kill -9 of %s (gate open: %s): the VMA says failed, and no process is left', async (program, isOpen) => {
  const slow = { name: 'slow', sizeBytes: 32 * mib, bytesPerSecond: 4 * mib };
  const target = await startSlowTarget(ground.oma.folder, slow);
  try {
    const vm = await ground.vm('efi-secure-01');
    const jobId = newJob();
    const nbd_targets = [{ disk_key: 2000, url: target.url, device_bytes: 32 * mib, extents: null }];
    await ground.replicate({ job_id: jobId, vm_id: vm.vm_id, attempt: 1, snapshot: null, nbd_targets });
    await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'connected');
    const body = { disk_key: 2000, attempt: 1 };
    if (isOpen) await ground.vma.call('openGate', { params: { job_id: jobId }, body }, { signal });
    for (const { pid } of processesUsing(ground.dir, program)) process.kill(pid, 'SIGKILL');
    const failed = await diskIn(ground.vma, { jobId, diskKey: 2000 }, 'failed', 'done');
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'MOVER_FAILED' } });
    const { status, stage } = await ground.vma.call('getJobProgress', { params: { job_id: jobId } }, { signal });
    expect({ status, stage }).toEqual({ status: 'failed', stage: 'ended' });
    for (const name of ['nbdcopy', 'nbdkit']) expect(processesUsing(ground.dir, name)).toEqual([]);
  } finally {
    await target.stop();
  }
});
