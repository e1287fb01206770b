// In the original, the second disk found "No fresh device" since its event was drained, or took the event of an earlier attach.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { arm, disarm } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();

async function expectRightDevice(attached: { readonly id: string; readonly device: string }): Promise<void> {
  expect(attached.device).toBe((await own.devices()).get(attached.id));
}

test.each(['virtio', 'none'])(
  'serials: %s. Five disks of one size, each device late: each is found',
  async (serials) => {
    await labDoes(own.dir, 'settings', { serials });
    await arm(own.dir, 'device-late', { count: 5, value: 100 });
    const all = [];
    for (let round = 0; round < 5; round += 1) {
      const attached = await own.volumes.attachedVolume();
      await expectRightDevice(attached);
      all.push(attached);
    }
    expect(new Set(all.map(({ device }) => device)).size).toBe(5);

    // The news of a device that came and went is no news of the next one.
    const [gone] = all;
    await disarm(own.dir);
    await own.volumes.done(own.volumes.detachVolume(gone?.id ?? '', { signal }));
    await arm(own.dir, 'device-late', { value: 200 });
    const last = await own.volumes.attachedVolume();
    await expectRightDevice(last);
    // A hypervisor gives serials or it does not: none of these disks is left for the other kind.
    await disarm(own.dir);
    for (const { id } of [...all.slice(1), last]) await own.volumes.done(own.volumes.detachVolume(id, { signal }));
  },
);
