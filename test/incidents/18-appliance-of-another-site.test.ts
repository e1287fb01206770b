// In the original, the id of the appliance was written in the code: elsewhere every attach counted as one to another VM.
import { expect, test } from 'vitest';
import { testSignal } from '../fixtures/daemon-process.ts';
import { readMappings } from '../fixtures/database-rows.ts';
import { labBooks } from '../fixtures/lab-state.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();

test('another site, another appliance: attaches to it are proved, the former id is no appliance', async () => {
  const former = own.volumes.site.oma_vm_id;
  const id = await own.volumes.newVolume();
  await own.changeLab((state) => state.replaceAll(former, crypto.randomUUID()));
  const now = own.volumes.site.oma_vm_id;
  expect(now).not.toBe(former);
  const { response } = await own.volumes.done(own.volumes.attachVolume(id, now, { signal }));
  expect(response).toMatchObject({ device_path: (await own.devices()).get(id) });
  expect(await own.volumes.device(id, { signal })).toMatchObject({ vm_id: now });
  const other = await own.volumes.newVolume();
  await expect(own.volumes.done(own.volumes.attachVolume(other, former, { signal }))).rejects.toMatchObject({
    code: 'CLOUD_REFUSED',
  });
});

test('attached to a VM that is not the appliance: no device, no mapping, no export in its place', async () => {
  const vm = (await labBooks(own.dir)).vms.find(({ name }) => name === 'intranet')?.id ?? '';
  const id = await own.volumes.newVolume();
  const attached = await own.volumes.done(own.volumes.attachVolume(id, vm, { signal }));
  expect(attached.response).toMatchObject({ device_path: null, mapping_id: null });
  await expect(own.volumes.device(id, { signal })).rejects.toMatchObject({ code: 'MAPPING_NOT_FOUND' });
  expect((await readMappings(own.dir)).filter((row) => row.volume_id === id)).toEqual([]);
  expect((await own.daemon.client.call('listExports', { query: {} }, { signal })).exports).toEqual([]);
});
