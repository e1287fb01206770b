import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createVcenter } from '../../main/adapters/vsphere/vcenter.ts';
import type { Site } from '../../shared/contract/sites.ts';
import type { Vm } from '../../shared/contract/vms.ts';
import { type DaemonProcess, osseaPath, startDaemonProcess, testSignal } from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { noLog } from '../fixtures/no-log.ts';
import { realClock } from '../fixtures/real-clock.ts';
import { startVcsim, type Vcsim } from '../fixtures/vcsim.ts';

let dir: string;
let daemon: DaemonProcess;
let vcsim: Vcsim;
let passwordFile: string;
beforeAll(async () => {
  dir = newDataDir();
  vcsim = await startVcsim({ vms: 4, poweredOn: false });
  daemon = await startDaemonProcess({ dataDir: dir });
  passwordFile = join(dir, 'typed-by-a-person');
  writeFileSync(passwordFile, `${vcsim.password}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await daemon.stop();
  await vcsim.stop();
  removeDataDir(dir);
});

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };

async function ossea(...args: string[]): Promise<Ended> {
  const run = promisify(execFile)(process.execPath, [osseaPath, ...args, '--data-dir', dir]);
  return await run.then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Ended,
  );
}

const add = (...more: string[]): Promise<Ended> =>
  ossea('site', 'add', 'Munich', '--url', vcsim.url, '--user', vcsim.username, ...more);

test('without a person or a fingerprint no certificate is accepted', async () => {
  const nobody = await add('--password-file', passwordFile);
  expect(nobody).toMatchObject({ code: 2 });
  expect(nobody.stderr).toContain(vcsim.certificateSha256);
  const wrong = await add('--accept', '0'.repeat(64), '--password-file', passwordFile);
  expect(wrong.stderr).toContain('VCENTER_CERTIFICATE_CHANGED');
  expect((await ossea('site', 'list')).stdout).toBe('');
});

test('a wrong password is said at once, and nothing is kept', async () => {
  const path = join(dir, 'mistyped');
  writeFileSync(path, 'mistyped', { mode: 0o600 });
  const refused = await add('--accept', vcsim.certificateSha256, '--password-file', path);
  expect(refused.stderr).toContain('VCENTER_AUTH');
  expect((await ossea('site', 'list')).stdout).toBe('');
});

test('a vCenter is added, its VMs are listed, and one is shown whole', async () => {
  const added = await add('--accept', vcsim.certificateSha256, '--password-file', passwordFile, '--json');
  expect(added.code, added.stderr).toBe(0);
  expect(JSON.parse(added.stdout) as Site).toMatchObject({ name: 'Munich', url: vcsim.url });
  const listed = JSON.parse((await ossea('vm', 'list', '--json')).stdout) as { vms: Vm[] };
  const names = listed.vms.filter(({ source_kind: kind }) => kind === 'vsphere').map(({ name }) => name);
  expect(names).toEqual(['DC0_C0_RP0_VM0', 'DC0_C0_RP0_VM1', 'DC0_C0_RP0_VM2', 'DC0_C0_RP0_VM3']);
  const shown = JSON.parse((await ossea('vm', 'show', 'DC0_C0_RP0_VM1')).stdout) as Vm & { vsphere: unknown };
  expect(shown).toMatchObject({
    name: 'DC0_C0_RP0_VM1',
    folder_path: '/DC0/vm',
    disks: [{ format: 'datastore' }],
    vsphere: { disks: [{ datastore: 'LocalDS_0' }], snapshots: [] },
  });
});

test('a change in vCenter is on the feed and in the list without anybody asking vCenter again', async () => {
  const signal = testSignal();
  const { newest_seq: before } = await daemon.client.call('listEvents', { query: { limit: 1 } }, { signal });
  const vcenter = createVcenter({
    ...vcsim,
    password: () => Promise.resolve(vcsim.password),
    clock: realClock,
    log: noLog,
  });
  const vm = (await vcenter.listVms({ signal })).find(({ name }) => name === 'DC0_C0_RP0_VM2');
  await vcenter.powerOn(vm?.moRef ?? '', { signal });
  await vcenter.close();
  const told = new AbortController();
  await daemon.client.feed(
    before,
    (message) => {
      if (message.kind === 'event' && message.event.body.type === 'inventory.changed') told.abort();
    },
    { signal: AbortSignal.any([told.signal, signal]) },
  );
  const { vms } = await daemon.client.call('listVms', {}, { signal });
  expect(vms.find(({ name }) => name === 'DC0_C0_RP0_VM2')).toMatchObject({ power_state: 'on' });
});

test('each step of the connection is shown; a site that is removed is forgotten', async () => {
  const tested = await ossea('site', 'test', 'Munich');
  for (const step of ['dns', 'tcp_443', 'certificate', 'login', 'clock']) expect(tested.stdout).toMatch(step);
  expect((await ossea('site', 'remove', 'Munich')).code).toBe(0);
  expect((await ossea('site', 'list')).stdout).toBe('');
  expect((await ossea('site', 'test', 'Munich')).stderr).toContain('NOT_FOUND');
});
