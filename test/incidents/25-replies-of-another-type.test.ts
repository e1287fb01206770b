// In the original, a number that came as a text broke the SDK; the calls made by hand instead forgot /client/api in the address.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { arm } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { type RetypingProxy, retypingProxy } from '../fixtures/retyping-proxy.ts';
import { migrate } from '../fixtures/steer.ts';

const own = ownDaemon();
const signal = testSignal();

let proxy: RetypingProxy | undefined;
afterAll(async () => {
  await proxy?.close();
});

test('every number is a text: a migration completes, a failed job keeps its words, one address is used', async () => {
  await own.daemon.kill('SIGKILL');
  const file = join(own.dir, 'lab/lab.json');
  const lab = JSON.parse(readFileSync(file, 'utf8')) as { url: string };
  proxy = await retypingProxy(lab.url);
  writeFileSync(file, JSON.stringify({ ...lab, url: proxy.url }));
  await own.start();

  expect(await migrate(own.daemon, 'odd-01')).toMatchObject({ status: 'completed', proof: 'full', error: null });
  const { id, device } = await own.volumes.attachedVolume();
  expect(await own.volumes.volume(id, { signal })).toMatchObject({
    cloud: { vm_id: own.volumes.site.oma_vm_id, size_bytes: 1024 ** 3, device_id: expect.any(Number) as number },
  });
  expect(device).toBe((await own.devices()).get(id));
  await arm(own.dir, 'job-fails-431', { match: { command: 'detachVolume' } });
  await expect(own.volumes.done(own.volumes.detachVolume(id, { signal }))).rejects.toMatchObject({
    code: 'DETACH_FAILED',
    reason: expect.stringContaining('431') as string,
  });
  expect([...proxy.paths]).toEqual(['/client/api']);
});
