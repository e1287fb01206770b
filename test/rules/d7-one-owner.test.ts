import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { cloudOf, readLabFile, within } from '../fixtures/cloud-of-lab.ts';
import { type DaemonProcess, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { volumeDaemon } from '../fixtures/volume-daemon.ts';

/** Two consoles, each with records of its own, on one appliance and one CloudStack. */
let [first, second] = ['', ''];
let daemon: DaemonProcess;
beforeEach(async () => {
  first = newDataDir();
  second = newDataDir();
  daemon = await startDaemonProcess({ dataDir: first });
  mkdirSync(second, { recursive: true });
  symlinkSync(join(first, 'lab'), join(second, 'lab'));
});
afterEach(async () => {
  await daemon.stop();
  expect(leftovers(first)).toEqual([]);
  removeDataDir(second);
  removeDataDir(first);
});

const owner = (): { install_id: string; number: number } =>
  JSON.parse(readFileSync(join(first, 'lab/oma/var/lib/ossea/owner'), 'utf8')) as never;

test('a second console is refused, with the owner named, and the first goes on', async () => {
  const { install_id: installId } = owner();
  await expect(startDaemonProcess({ dataDir: second })).rejects.toThrow(/OMA_OWNED/);
  await expect(startDaemonProcess({ dataDir: second, flags: ['--take-over'] })).rejects.toThrow(/which is running/);
  expect(owner()).toMatchObject({ install_id: installId });
  expect(await volumeDaemon(daemon, first).newVolume()).toMatch(/^[0-9a-f-]{36}$/);
});

test('an owner that was killed stays the owner; its own next start rises the number', async () => {
  const before = owner();
  await daemon.kill('SIGKILL');
  await expect(startDaemonProcess({ dataDir: second })).rejects.toThrow(
    new RegExp(`OMA_OWNED.*${before.install_id}`, 's'),
  );
  daemon = await startDaemonProcess({ dataDir: first });
  expect(owner()).toEqual({ install_id: before.install_id, number: before.number + 1 });
});

test('taken over on demand: what the other console made is left alone, and what is new is marked', async () => {
  const theirs = await volumeDaemon(daemon, first).attachedVolume();
  const formerOwner = owner();
  await daemon.kill('SIGKILL');
  const successor = await startDaemonProcess({ dataDir: second, flags: ['--take-over'] });
  const volumes = volumeDaemon(successor, second);
  const signal = testSignal();
  expect(owner().install_id).not.toBe(formerOwner.install_id);
  const { oma_vm_id: omaVmId } = volumes.site;
  await expect(volumes.done(volumes.attachVolume(theirs.id, omaVmId, { signal }))).rejects.toMatchObject({
    code: 'VOLUME_NOT_OURS',
  });
  await expect(volumes.detachVolume(theirs.id, { signal })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  const synced = await volumes.done(volumes.forceSync({ signal }));
  expect(synced.response).toMatchObject({ adopted: [], findings: [{ code: 'VOLUME_NOT_OURS', proposed: null }] });
  const cloud = cloudOf(readLabFile(join(first, 'lab')));
  expect((await cloud.volume(theirs.id, within()))?.vmId).toBe(omaVmId);
  const ours = await volumes.newVolume();
  expect((await cloud.volume(ours, within()))?.tags).toEqual({ 'ossea-owner': owner().install_id });
  // The lab is the first one's child: it ends with whoever stops it last.
  await successor.stop();
  daemon = await startDaemonProcess({ dataDir: first, flags: ['--take-over'] });
});

test('an owner file that cannot be read is no free appliance', async () => {
  await daemon.kill('SIGKILL');
  writeFileSync(join(first, 'lab/oma/var/lib/ossea/owner'), 'half a rec');
  await expect(startDaemonProcess({ dataDir: first })).rejects.toThrow(/OMA_OWNED/);
  writeFileSync(
    join(first, 'lab/oma/var/lib/ossea/owner'),
    JSON.stringify({ install_id: crypto.randomUUID(), number: 7 }),
  );
  daemon = await startDaemonProcess({ dataDir: first, flags: ['--take-over'] });
  expect(owner().number).toBe(8);
});
