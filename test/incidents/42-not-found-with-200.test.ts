// In the original, "job not found" came with HTTP 200, and the poller took it for a job that goes on, or for its end.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { cloudOf, within } from '../fixtures/cloud-of-lab.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { arm } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();

test('CloudStack no longer knows the job of an attach: what its list and the host show is the answer, not the job', async () => {
  const id = await own.volumes.newVolume();
  await arm(own.dir, 'slow-job', { value: 500, match: { command: 'attachVolume' } });
  await arm(own.dir, 'job-expired', { count: 100 });
  const { response } = await own.volumes.done(own.volumes.attachVolume(id, own.volumes.site.oma_vm_id, { signal }));
  expect(response).toMatchObject({ device_path: (await own.devices()).get(id) });
  expect(await own.asked('attachVolume', id)).toBe(1);
});

test('a page of HTML with 200 is no success: the attach fails and says what came', async () => {
  const id = await own.volumes.newVolume();
  await arm(own.dir, 'garbage-reply', { match: { command: 'attachVolume' } });
  await expect(
    own.volumes.done(own.volumes.attachVolume(id, own.volumes.site.oma_vm_id, { signal })),
  ).rejects.toMatchObject({ code: 'CLOUD_REPLY_INVALID' });
  expect((await own.devices()).get(id)).toBeUndefined();
});

test('"not found" within a 200 starts nothing, deletes nothing, and is no empty list', async () => {
  const server = createServer((request, response) => {
    let form = '';
    request.on('data', (chunk: Buffer) => (form += chunk.toString()));
    request.on('end', () => {
      const name = `${String(new URLSearchParams(form).get('command')).toLowerCase()}response`;
      response.end(JSON.stringify({ [name]: { errorcode: 431, errortext: 'job not found' } }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const cloud = cloudOf({ ...own.volumes.site, url: `http://127.0.0.1:${String(port)}` });
  const id = crypto.randomUUID();
  try {
    for (const ask of [
      () => cloud.attachVolume(id, id, within()),
      () => cloud.deleteVolume(id, within()),
      () => cloud.volume(id, within()),
      () => cloud.volumesOfVm(id, within()),
      () => cloud.volumesNamed('web', within()),
    ])
      await expect(ask()).rejects.toMatchObject({ code: expect.stringMatching(/^CLOUD_/) as string });
    // Not known is neither failed nor done: the object is looked at instead.
    expect(await cloud.job(id, within())).toEqual({ state: 'unknown' });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
