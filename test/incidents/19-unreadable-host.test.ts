// In the original, the daemon was not root: the size of a device could not be read, and it silently took a path by default.
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { readMappings } from '../fixtures/database-rows.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();

test('devices that cannot be read: it says so, answers no path and forgets none; then it goes on by itself', async () => {
  const known = await own.volumes.attachedVolume();
  const id = await own.volumes.newVolume();
  const tree = join(own.dir, 'lab/oma/sys/block');
  renameSync(tree, `${tree}.away`);
  await expect(own.volumes.device(known.id, { signal })).rejects.toMatchObject({
    code: 'HOST_UNREADABLE',
    reason: expect.stringContaining(tree) as string,
  });
  const begun = await own.volumes.attachVolume(id, own.volumes.site.oma_vm_id, { signal });
  await expect
    .poll(async () => (await own.volumes.operation(begun.id, { signal })).reason, { timeout: 30_000 })
    .toMatch(/^HOST_UNREADABLE/);
  expect(await own.volumes.operation(begun.id, { signal })).toMatchObject({ status: 'executing', response: null });
  expect(await own.asked('attachVolume', id)).toBe(0);
  expect(await readMappings(own.dir)).toMatchObject([{ volume_id: known.id, ended_at: null }]);

  renameSync(`${tree}.away`, tree);
  const { response } = await own.volumes.waitForCompletion(begun.id, { signal });
  expect(response).toMatchObject({ device_path: (await own.devices()).get(id) });
  expect(await own.volumes.device(known.id, { signal })).toMatchObject({ device_path: known.device });
});
