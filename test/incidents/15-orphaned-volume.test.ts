// In the original, the client gave up after two minutes or the row could not be written: CloudStack had a volume that nobody knew.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { arm, labBooks } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();

const request = (name: string) => {
  const { disk_offering_id, zone_id } = own.volumes.site;
  return { name, size: 1024 ** 3, disk_offering_id, zone_id };
};
const inCloud = async (name: string): Promise<string[]> =>
  (await labBooks(own.dir)).volumes.filter((volume) => volume.name.startsWith(name)).map(({ id }) => id);
const inRecords = async (name: string): Promise<string[]> => {
  const { volumes } = await own.daemon.client.call('listVolumes', { query: {} }, { signal });
  return volumes.filter((volume) => volume.name.startsWith(name)).map((volume) => volume.volume_id);
};

async function expectOne(name: string, operationId: string): Promise<void> {
  const { volume_id: id } = await own.volumes.waitForCompletion(operationId, { signal });
  expect(await inCloud(name)).toEqual([id]);
  expect(await inRecords(name)).toEqual([id]);
}

test('the client gives up and asks again: it is told of the same operation, and there is one volume, known', async () => {
  await arm(own.dir, 'slow-create', { value: 700 });
  const once = { signal, idempotencyKey: crypto.randomUUID() };
  const begun = await own.volumes.createVolume(request('impatient'), once);
  const patience = new AbortController();
  const waiting = own.volumes.waitForCompletion(begun.id, { signal: patience.signal });
  patience.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect((await own.volumes.createVolume(request('impatient'), once)).id).toBe(begun.id);
  await expectOne('impatient', begun.id);
});

test('the reply of CloudStack is lost: the volume is found by its name', async () => {
  await arm(own.dir, 'create-reply-lost');
  await expectOne('lost', (await own.volumes.createVolume(request('lost'), { signal })).id);
});

test('kill -9 between the making and the row: the next start finds the volume and writes the row', async () => {
  await own.daemon.stop();
  await own.start({ env: { OSSEA_AT: 'create-volume/create/after-act@1=kill' } });
  const { id } = await own.volumes.createVolume(request('crashed'), { signal });
  await own.daemon.ended;
  expect(await inCloud('crashed')).toHaveLength(1);
  await own.start();
  await expectOne('crashed', id);
});
