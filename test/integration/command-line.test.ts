import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyFileSlot } from '../../main/adapters/secrets/key-file-slot.ts';
import { createVault } from '../../main/adapters/secrets/vault.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  osseaPath,
  startDaemonProcess,
  testSignal,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';

type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string };
type Jobs = { readonly jobs: readonly (Pick<Migration, 'id' | 'status' | 'proof'> & { readonly vm: string })[] };

let dir: string;
let daemon: DaemonProcess;
beforeAll(async () => {
  dir = newDataDir();
  daemon = await startDaemonProcess({ dataDir: dir, settings: { headroom_gib: 0 } });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

const ossea = (...args: string[]): Promise<Ended> =>
  promisify(execFile)(process.execPath, [osseaPath, ...args]).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Ended,
  );

test('migrate VM asks the running daemon, waits, and prints exactly one JSON document', async () => {
  const { code, stdout, stderr } = await ossea('migrate', 'pgtest2', '--data-dir', dir, '--json');
  expect(code, stderr).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(1);
  expect((JSON.parse(stdout) as Jobs).jobs).toMatchObject([{ vm: 'pgtest2', status: 'completed', proof: 'full' }]);
  expect(stderr).toContain('transfer');
});

test('without --json the proof is a table for people', async () => {
  const { code, stdout } = await ossea('migrate', 'odd-01', '--data-dir', dir);
  expect(code).toBe(0);
  expect(stdout).toMatch(/odd-01 +Hard disk 1 +completed +full .* [0-9a-f]{64} \(equal\)/);
});

test('--no-wait returns at once with the job; jobs lists what there is', async () => {
  const started = await ossea('migrate', 'db-01', '--data-dir', dir, '--no-wait', '--json');
  const [job] = (JSON.parse(started.stdout) as Jobs).jobs;
  expect(job?.vm).toBe('db-01');
  const again = await ossea('migrate', 'db-01', '--data-dir', dir, '--no-wait', '--json');
  expect(again.code).toBe(3);
  expect(JSON.parse(again.stdout)).toMatchObject({ code: 'VM_ACTIVE', details: { migration_id: job?.id } });
  await waitForMigration(daemon, job?.id ?? '');
  const listed = await ossea('jobs', '--data-dir', dir, '--json');
  expect((JSON.parse(listed.stdout) as Jobs).jobs.map((row) => [row.vm, row.status])).toEqual([
    ['db-01', 'completed'],
    ['odd-01', 'completed'],
    ['pgtest2', 'completed'],
  ]);
});

test('an unknown VM is named; doctor says what this machine has and what opens the vault', async () => {
  expect(await ossea('migrate', 'nobody', '--data-dir', dir)).toMatchObject({ code: 1 });
  const vaultSays = async (): Promise<unknown> => {
    const { stdout } = await ossea('doctor', '--json', '--data-dir', dir);
    const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: { check: string; found: string }[] };
    return [ok, findings.find(({ check }) => check === 'vault')?.found];
  };
  expect(await vaultSays()).toEqual([true, 'none yet; the first secret makes it, opened by key-file']);
  const vault = createVault({ dir, slots: [keyFileSlot(join(dir, 'vault.key'))] });
  await vault.put('site', 'secret', { signal: testSignal() });
  expect(await vaultSays()).toEqual([true, 'opened by key-file; slots: key-file']);
  rmSync(join(dir, 'vault.key'));
  expect(await vaultSays()).toEqual([false, expect.stringContaining('VAULT_LOCKED')]);
});

test('copies are VMs of their own: five at once while disks exchange their names, no mapping crossed, no foreign disk touched', async () => {
  const copies = newDataDir(dir);
  const { code, stdout, stderr } = await ossea(
    'lab',
    'migrate',
    'odd-01',
    '--copies',
    '5',
    '--adversary',
    '--json',
    '--data-dir',
    copies,
  );
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('4 foreign disks untouched');
  const { jobs } = JSON.parse(stdout) as { jobs: (Migration & { vm: string })[] };
  expect(new Set(jobs.map((job) => job.vm)).size).toBe(5);
  expect(new Set(jobs.map((job) => job.disks[0]?.volume_id)).size).toBe(5);
  expect(new Set(jobs.map((job) => job.disks[0]?.target_sha256)).size).toBe(1);
  expect(leftovers(copies)).toEqual([]);
  removeDataDir(copies);
});

test('the daemon listens on the loopback address only and tells its health', async () => {
  const health = await daemon.client.call('getHealth', {}, { signal: testSignal() });
  expect(health).toMatchObject({ status: 'healthy', lab: true });
  expect(new URL(daemon.url).hostname).toBe('127.0.0.1');
});
