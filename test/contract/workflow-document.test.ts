import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DaemonProcess, startDaemonProcess, testSignal, waitForMigration } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { history } from '../fixtures/steer.ts';
import { type VolumeDaemon, volumeDaemon } from '../fixtures/volume-daemon.ts';

/**
 * What the document "Migration Workflow - Volume Daemon Integration" of 2025-08-20 prints, word for word: addresses,
 * JSON, names and log lines that other programs may rely on.
 */
const signal = testSignal();
let dir: string;
let daemon: DaemonProcess;
let volumes: VolumeDaemon;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir, settings: { headroom_gib: 0, reuse_volumes: true } });
  volumes = volumeDaemon(daemon, dir);
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const ask = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
  const answer = await fetch(`${daemon.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${daemon.token}`, 'content-type': 'application/json', connection: 'close' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await answer.json()) as Record<string, unknown>;
};

test('"Volume attachment", "Device mapping query", "Operation status": the three documents it prints', async () => {
  const id = await volumes.newVolume();
  const vmId = volumes.site.oma_vm_id;
  const operation = await ask('POST', `/api/v1/volumes/${id}/attach`, { vm_id: vmId });
  await volumes.waitForCompletion(String(operation['id']), { signal, timeoutMs: 120000 });
  const device = await ask('GET', `/api/v1/volumes/${id}/device`);
  expect(device).toMatchObject({
    volume_id: id,
    device_path: expect.stringMatching(/^\/dev\/vd[a-z]+$/) as string,
    vm_id: vmId,
    attached_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
  });
  expect(await ask('GET', `/api/v1/operations/${String(operation['id'])}`)).toMatchObject({
    id: operation['id'],
    status: 'completed',
    response: { device_path: device['device_path'], message: 'Volume attached successfully' },
  });
  await volumes.done(volumes.detachVolume(id, { signal }));
});

test('"Initializes job with pending status"; "migration-vol-{volume_id}"; "mark as reused"; the log line of phase 4', async () => {
  const { vms } = await daemon.client.call('listVms', {}, { signal });
  const body = { vm_id: vms.find(({ name }) => name === 'pgtest2')?.vm_id };
  const made = await ask('POST', '/api/v1/migrations', body);
  expect(made).toMatchObject({ status: 'pending', phase: 'discover' });
  const first = await waitForMigration(daemon, String(made['id']));
  const [disk] = first.disks;
  expect(disk).toMatchObject({ export_name: `migration-vol-${disk?.volume_id ?? ''}`, reused: false });

  const again = await ask('POST', '/api/v1/migrations', body);
  const second = await waitForMigration(daemon, String(again['id']));
  expect(second.disks[0]).toMatchObject({ volume_id: disk?.volume_id, reused: true });
  const lines = (await history(daemon)).flatMap((event) => (event.type === 'log.line' ? [event.message] : []));
  expect(lines).toContain('Failed to get device mapping from daemon');
});
