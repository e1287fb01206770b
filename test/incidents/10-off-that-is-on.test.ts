// In the original, a guest was asked to shut down, five seconds later it was said to be off, and the last copy ran on a live VM.
import { afterEach, expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { vmaGround } from '../fixtures/vma-ground.ts';

const signal = testSignal();
const ground = vmaGround();
afterEach(async () => {
  await ground.lab.control('DELETE faults');
});

test('a guest that does not shut down: GUEST_STILL_ON, and on it is; by force it is off when the answer comes', async () => {
  const params = { vm_id: (await ground.vm('live-cbt-01')).vm_id };
  const powerNow = async () => (await ground.vma.call('getPowerState', { params }, { signal })).power_state;
  await ground.lab.control('POST faults', { fault: 'vc-shutdown-hangs' });
  const asked = ground.vma.call('powerOff', { params, body: { mode: 'guest', timeout_seconds: 1 } }, { signal });
  await expect(asked).rejects.toMatchObject({ code: 'GUEST_STILL_ON' });
  expect(await powerNow()).toBe('on');
  const off = await ground.vma.call('powerOff', { params, body: { mode: 'hard' } }, { signal });
  expect(off).toMatchObject({ power_state: 'off' });
  expect(await powerNow()).toBe('off');
});

test('a guest that takes its time: the answer waits until vCenter says off', async () => {
  const params = { vm_id: (await ground.vm('live-notools-01')).vm_id };
  await ground.lab.control('POST faults', { fault: 'vc-task-slow', value: 400 });
  const off = await ground.vma.call('powerOff', { params, body: { mode: 'hard' } }, { signal });
  expect(off.power_state).toBe('off');
  expect((await ground.vma.call('getPowerState', { params }, { signal })).power_state).toBe('off');
});
