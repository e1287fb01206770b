// In the original, a running job could not be stopped, only deleted, with its volumes.
import { expect, test } from 'vitest';
import { startMigration, testSignal, waitForBytes } from '../fixtures/daemon-process.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { processesUsing } from '../fixtures/leftovers.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';
import { sendRaw } from '../fixtures/raw-request.ts';
import { cancel } from '../fixtures/steer.ts';

const mib = 1024 ** 2;
const own = ownDaemon({ rate_mib_per_second: 4 });
const signal = testSignal();

test('cancel stops the movers and keeps job and volume; deleting is another act, and wants the name of the volume', async () => {
  const id = await startMigration(own.daemon, 'odd-01');
  await waitForBytes(own.daemon, id, 2 * mib);
  const job = await cancel(own.daemon, id);
  const [disk] = job.disks;
  const volume = { id: String(disk?.volume_id), name: String(disk?.volume_name) };
  expect(processesUsing(own.dir, 'nbdcopy')).toEqual([]);
  expect(job.left_behind.join('\n')).toContain(volume.id);
  const { migrations } = await own.daemon.client.call('listMigrations', { query: {} }, { signal });
  expect(migrations).toMatchObject([{ id, status: 'cancelled', error: { code: 'CANCELLED' } }]);

  const headers = { authorization: `Bearer ${own.daemon.token}` };
  const deleted = await sendRaw(own.daemon.url, `/api/v1/migrations/${id}`, { method: 'DELETE', headers });
  expect(deleted.status).toBe(405);
  await expect(own.volumes.deleteVolume(volume.id, { signal })).rejects.toMatchObject({ code: 'CONFIRM_REQUIRED' });
  const isThere = async () => (await labBooks(own.dir)).volumes.some((one) => one.id === volume.id && !one.removed);
  expect(await isThere()).toBe(true);
  await own.volumes.done(own.volumes.deleteVolume(volume.id, { signal, confirm: volume.name }));
  expect(await isThere()).toBe(false);
});
