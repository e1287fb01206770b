// In the original, the manual's SQL repaired the tables by inserting "unknown" mappings and deleting doubles by the smaller id.
import { expect, test } from 'vitest';
import { attachedVolume, cloudOf } from '../fixtures/cloud-of-lab.ts';
import { testSignal } from '../fixtures/daemon-process.ts';
import { type MappingRow, readMappings, writeRow } from '../fixtures/database-rows.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { ownDaemon } from '../fixtures/own-daemon.ts';

const own = ownDaemon();
const signal = testSignal();
const isOpen = (row: MappingRow): boolean => row.ended_at === null;

test('after a boot with a stranger and a lost record, force-sync invents no mapping and deletes none', async () => {
  const ours = await own.volumes.attachedVolume();
  const lost = await own.volumes.attachedVolume();
  const stranger = await attachedVolume(cloudOf(own.volumes.site), own.volumes.site, 'a-stranger');
  const before = await readMappings(own.dir);
  await labDoes(own.dir, 'restart-oma', {});
  await labDoes(own.dir, `volumes/${lost.id}/vanish`, { keep_device: true });

  const { response } = await own.volumes.done(own.volumes.forceSync({ signal }));
  const after = await readMappings(own.dir);
  expect(after.slice(0, before.length).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
  // The only new row is the one that a serial proves; what it replaces has ended and is kept.
  expect(after.slice(before.length)).toMatchObject([
    { volume_id: ours.id, device_path: (await own.devices()).get(ours.id), ended_at: null },
  ]);
  expect(after.filter(isOpen)).toHaveLength(1);
  const codes = (response?.['findings'] as { code: string; volume_id: string | null }[]).map(
    (finding) => [finding.code, finding.volume_id] as const,
  );
  expect(codes).toContainEqual(['VOLUME_NOT_OURS', stranger.id]);
  expect(codes).toContainEqual(['VOLUME_VANISHED', lost.id]);
  expect(codes).toContainEqual(['DEVICE_UNKNOWN', null]);
});

test('the repair itself is refused by the tables: one device is never two volumes, one volume never two devices', async () => {
  const held = await own.volumes.attachedVolume();
  const insert = (volumeId: string, path: string): Promise<unknown> =>
    writeRow(
      own.dir,
      `INSERT INTO device_mappings SELECT 'made up', environment_id, host_id, ?, vm_id, ?, dev, boot_id, document, observed_at, NULL, NULL
       FROM device_mappings WHERE volume_id = ? AND ended_at IS NULL`,
      [volumeId, path, held.id],
    );
  await expect(insert('unknown', held.device)).rejects.toThrow('UNIQUE');
  await expect(insert(held.id, '/dev/vdzz')).rejects.toThrow('UNIQUE');
});
