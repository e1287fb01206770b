// A crash of the host, a storage migration or a revert begins change tracking anew. Whoever then asks with an old change id gets
// an error from a good vCenter, and from others an answer that leaves changes out.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readLabFile } from '../fixtures/cloud-of-lab.ts';
import { mutate, readLabEnds } from '../fixtures/lab-disk.ts';
import { rawSoap, taskOf } from '../fixtures/lab-vcenter.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { migrate } from '../fixtures/steer.ts';

const vm = 'live-cbt-01';
const own = ownDaemon({ reuse_volumes: true }, { labSource: 'vcenter' });

test('another track of changes: every disk of the VM is copied in full once, says why, and then deltas go on', async () => {
  await migrate(own.daemon, vm);
  const soap = rawSoap({ file: () => readLabFile(join(own.dir, 'lab')) });
  await soap.logIn();
  for (const on of [false, true]) {
    const spec = `<spec><changeTrackingEnabled>${String(on)}</changeTrackingEnabled></spec>`;
    expect(await taskOf(soap, soap.call('ReconfigVM_Task', 'VirtualMachine:vm-134', spec))).toMatchObject({
      fault: null,
    });
  }
  await mutate(own.dir, vm, { bytes: 512 * 1024, extents: 4, seed: 13 });
  const job = await migrate(own.daemon, vm);
  expect(job).toMatchObject({ status: 'completed', proof: 'full', error: null });
  for (const disk of job.disks) expect(disk.full_because).toContain('Change tracking was reset since then');
  for (const ends of readLabEnds(own.dir, job)) expect(ends).toMatchObject({ target: ends.source });
  expect(await migrate(own.daemon, vm)).toMatchObject({ status: 'completed', proof: 'delta' });
});
