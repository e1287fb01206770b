// In the original, a volume that was attached before or beside the daemon ended in "already attached" or "mapping not found".
import { expect, test } from 'vitest';
import { attachedVolume, cloudOf, endOfJob, within } from '../fixtures/cloud-of-lab.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();

test('attached by somebody else: the mapping is said to be missing with the remedy, and that remedy finds the device', async () => {
  const { volumes } = own;
  const { id } = await attachedVolume(cloudOf(volumes.site), volumes.site, 'older-than-the-daemon');
  await expect(volumes.device(id, { signal })).rejects.toMatchObject({ code: 'MAPPING_NOT_FOUND' });
  const { response } = await volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }));
  expect(response).toMatchObject({ device_path: (await own.devices()).get(id) });
  expect(await volumes.device(id, { signal })).toMatchObject({ volume_id: id, evidence: { kind: 'serial' } });
  expect([await own.asked('attachVolume', id), await own.asked('detachVolume', id)]).toEqual([1, 0]);
});

test('made here and attached by hand: found where it is, and a second attach changes nothing', async () => {
  const { volumes } = own;
  const id = await volumes.newVolume();
  const cloud = cloudOf(volumes.site);
  await endOfJob(cloud, (await cloud.attachVolume(id, volumes.site.oma_vm_id, within())).jobId);
  const answers = [];
  for (let round = 0; round < 2; round += 1)
    answers.push((await volumes.done(volumes.attachVolume(id, volumes.site.oma_vm_id, { signal }))).response);
  expect(answers[0]).toMatchObject({ device_path: (await own.devices()).get(id) });
  expect(answers[1]).toEqual(answers[0]);
  expect([await own.asked('attachVolume', id), await own.asked('detachVolume', id)]).toEqual([1, 0]);
});
