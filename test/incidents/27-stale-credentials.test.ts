// In the original, credentials were read once at the start, and when they failed built-in ones were taken without a word.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { arm, labBooks } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();

test('the keys change while it runs: the next call uses the new ones', async () => {
  // Whatever it keeps of the old ones, it has by now.
  await own.volumes.newVolume();
  const { api_key: key, secret_key: secret } = own.volumes.site;
  await own.changeLab((state) => state.replaceAll(key, `new${key}`).replaceAll(secret, `new${secret}`));
  expect(own.volumes.site).toMatchObject({ api_key: `new${key}`, secret_key: `new${secret}` });
  const { id } = await own.volumes.attachedVolume();
  expect(await own.volumes.volume(id, { signal })).toMatchObject({ cloud_error: null });
});

test('the key is refused once: no other is tried, the operation is held and says so, and a person resumes it', async () => {
  await arm(own.dir, 'empty-401', { match: { command: 'createVolume' } });
  const { disk_offering_id, zone_id } = own.volumes.site;
  const request = { name: 'refused', size: 1024 ** 3, disk_offering_id, zone_id };
  const { id } = await own.volumes.createVolume(request, { signal });
  await expect
    .poll(async () => (await own.volumes.operation(id, { signal })).reason, { timeout: 30_000 })
    .toMatch(/^CLOUD_AUTH/);
  const made = async () => (await labBooks(own.dir)).volumes.filter(({ name }) => name.startsWith('refused-')).length;
  expect(await made()).toBe(0);
  await own.daemon.client.call('resumeOperation', { params: { id } }, { signal });
  expect(await own.volumes.waitForCompletion(id, { signal })).toMatchObject({ status: 'completed' });
  expect(await made()).toBe(1);
});
