import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../main/adapters/system/clock.ts';
import { createVcenter } from '../../main/adapters/vsphere/vcenter.ts';
import type { Site } from '../../shared/contract/sites.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  testSignal,
  waitForBytes,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { readRows } from '../fixtures/database-rows.ts';
import { leftovers } from '../fixtures/leftovers.ts';
import { noLog } from '../fixtures/no-log.ts';
import { migrate } from '../fixtures/steer.ts';
import { startVcsim, type Vcsim } from '../fixtures/vcsim.ts';

const mib = 1024 ** 2;
const diskBytes = 24 * mib;

let dir: string;
let daemon: DaemonProcess;
let vcsim: Vcsim;
let site: Site;
beforeAll(async () => {
  dir = newDataDir();
  vcsim = await startVcsim({ vms: 6, poweredOn: false, diskBytes });
  daemon = await startDaemonProcess({ dataDir: dir, settings: { headroom_gib: 0, segment_mib: 8 } });
  const { url, username, password, certificateSha256 } = vcsim;
  const body = { name: 'vcsim', url, username, password, certificate_sha256: certificateSha256 };
  site = await daemon.client.call('addSite', { body }, { signal: testSignal() });
});
afterAll(async () => {
  await daemon.stop();
  await vcsim.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const fileOf = (vm: string): string => {
  const [folder] = Object.values(vcsim.datastoreFolders);
  if (folder === undefined) throw new Error('no datastore');
  return join(folder, vm, 'disk1-flat.vmdk');
};

/** Data at the front, a hole behind it. */
function fill(vm: string): { readonly bytes: Buffer; readonly sha256: string } {
  const bytes = Buffer.concat([randomBytes(17 * mib), Buffer.alloc(diskBytes - 17 * mib)]);
  writeFileSync(fileOf(vm), bytes);
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function slowly<T>(work: () => Promise<T>): Promise<T> {
  const change = async (rate: number | null): Promise<void> => {
    await daemon.client.call('changeSettings', { body: { rate_mib_per_second: rate } }, { signal: testSignal() });
  };
  await change(3);
  try {
    return await work();
  } finally {
    await change(null);
  }
}

async function power(vmName: string, how: 'powerOn' | 'powerOff'): Promise<void> {
  const password = () => Promise.resolve(vcsim.password);
  const vcenter = createVcenter({ ...vcsim, password, clock: systemClock, log: noLog });
  try {
    const vm = (await vcenter.listVms({ signal: testSignal() })).find(({ name }) => name === vmName);
    if (vm === undefined) throw new Error(`vcsim has no ${vmName}`);
    await vcenter[how](vm.moRef, { signal: testSignal() });
  } finally {
    await vcenter.close();
  }
}

test('a VM that is off migrates out of its datastore, and the volume holds what the file holds', async () => {
  const { bytes, sha256 } = fill('DC0_C0_RP0_VM0');
  const job = await migrate(daemon, 'DC0_C0_RP0_VM0');
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  expect(job.disks[0]?.target_sha256).toBe(sha256);
  const volume = readFileSync(join(dir, 'lab/volumes', `${String(job.disks[0]?.volume_id)}.raw`));
  expect(volume.subarray(0, diskBytes).equals(bytes)).toBe(true);
});

test('every session ends in mid-copy: it signs in anew, reads on, and proves the copy', async () => {
  const { sha256 } = fill('DC0_C0_RP0_VM1');
  const job = await slowly(async () => {
    const id = await startMigration(daemon, 'DC0_C0_RP0_VM1');
    await waitForBytes(daemon, id, 2 * mib);
    await vcsim.endSessions();
    await waitForBytes(daemon, id, 10 * mib);
    await vcsim.endSessions();
    return await waitForMigration(daemon, id);
  });
  expect(job.error).toBeNull();
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  expect(job.disks[0]?.target_sha256).toBe(sha256);
});

test('a VM that is switched on in mid-copy is SOURCE_CHANGED: nothing read from it counts', async () => {
  fill('DC0_C0_RP0_VM2');
  const job = await slowly(async () => {
    const id = await startMigration(daemon, 'DC0_C0_RP0_VM2');
    await waitForBytes(daemon, id, 2 * mib);
    await power('DC0_C0_RP0_VM2', 'powerOn');
    return await waitForMigration(daemon, id);
  });
  expect(job).toMatchObject({ status: 'failed', error: { code: 'SOURCE_CHANGED' } });
});

test('a VM that was on for a moment in mid-copy, and wrote, is SOURCE_CHANGED, too', async () => {
  fill('DC0_C0_RP0_VM3');
  const job = await slowly(async () => {
    const id = await startMigration(daemon, 'DC0_C0_RP0_VM3');
    await waitForBytes(daemon, id, 12 * mib);
    await power('DC0_C0_RP0_VM3', 'powerOn');
    fill('DC0_C0_RP0_VM3');
    await power('DC0_C0_RP0_VM3', 'powerOff');
    return await waitForMigration(daemon, id);
  });
  expect(job).toMatchObject({ status: 'failed', error: { code: 'SOURCE_CHANGED' } });
});

test('a VM that runs is refused before a byte moves, and the preflight says so before', async () => {
  await power('DC0_C0_RP0_VM4', 'powerOn');
  const { vms } = await daemon.client.call('listVms', {}, { signal: testSignal() });
  const vm = vms.find(({ name }) => name === 'DC0_C0_RP0_VM4');
  const preflight = await daemon.client.call(
    'getPreflight',
    { query: { vm_id: vm?.vm_id ?? '' } },
    { signal: testSignal() },
  );
  expect(preflight.ready).toBe(false);
  const job = await migrate(daemon, 'DC0_C0_RP0_VM4');
  expect(job).toMatchObject({ status: 'failed', bytes_copied: 0, error: { code: 'VM_STATE' } });
});

test('each step of the connection is shown', async () => {
  const { ok, steps } = await daemon.client.call(
    'testSite',
    { params: { site_id: site.site_id } },
    { signal: testSignal() },
  );
  expect(steps.map(({ step }) => step)).toEqual(
    expect.arrayContaining(['dns', 'tcp_443', 'certificate', 'login', 'clock']),
  );
  // vcsim has hosts of documentation addresses, where nothing answers.
  expect(steps.filter(({ ok: fine }) => fine === false).map(({ step }) => step)).toEqual(
    ok ? [] : expect.arrayContaining(['tcp_902']),
  );
});

test('the password is in no table, no event, no log and no argument of a program', async () => {
  expect(await readRows(dir, 'SELECT * FROM sites')).toHaveLength(1);
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const kept = files.filter((entry) => !entry.parentPath.includes('/lab') && entry.name !== 'vault.json');
  for (const { parentPath, name } of kept) {
    expect(readFileSync(join(parentPath, name)).includes(vcsim.password), name).toBe(false);
  }
});

test('another certificate under the same address: the site is lost, nothing is sent there, and a person must accept it', async () => {
  const port = Number(new URL(vcsim.url).port);
  await vcsim.stop();
  vcsim = await startVcsim({ vms: 6, poweredOn: false, diskBytes, port });
  const signal = testSignal();
  const readSite = async (): Promise<Site | undefined> =>
    (await daemon.client.call('listSites', {}, { signal })).sites.find(({ site_id: id }) => id === site.site_id);
  await expect
    .poll(async () => (await readSite())?.error?.code, { timeout: 60_000 })
    .toBe('VCENTER_CERTIFICATE_CHANGED');
  const shown = await daemon.client.call('readSiteCertificate', { body: { url: vcsim.url } }, { signal });
  expect(shown.sha256).toBe(vcsim.certificateSha256);
  const body = { certificate_sha256: shown.sha256 };
  await daemon.client.call('changeSite', { params: { site_id: site.site_id }, body }, { signal });
  await expect.poll(async () => (await readSite())?.state, { timeout: 60_000 }).toBe('live');
});
