import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { readLedger } from '../fixtures/ledger.ts';
import { backingFile, readBothEnds } from '../fixtures/outside-proof.ts';
import { smallVm } from '../fixtures/small-vm.ts';

/** Three disks side by side in several segments, no headroom: every kind of step, as little to copy as possible. */
export const smallSettings = { headroom_gib: 0, segment_mib: 8, parallel_transfers: 3 } as const;

/** Runs one migration with every moment written down; a moment that differs only in its segment is one moment. */
export async function recordMoments(dataDir: string): Promise<readonly string[]> {
  const file = join(dataDir, 'moments');
  const daemon = await startDaemonProcess({ dataDir, settings: smallSettings, env: { OSSEA_POINTS_LOG: file } });
  const job = await waitForMigration(daemon, await startMigration(daemon, smallVm.name));
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  await daemon.kill('SIGKILL');
  forget(dataDir, job);
  const reached = readFileSync(file, 'utf8').trim().split('\n');
  return [...new Set(reached)].filter((moment) => !/segment:[2-9]/.test(moment)).sort();
}

export type Kill = { readonly moment: string; readonly occurrence: number; readonly again?: string };

/** Ends the real daemon at the moment, starts it anew (and once more), and looks at what came of it. */
export async function killAt(dataDir: string, { moment, occurrence, again }: Kill): Promise<void> {
  const doomed = await startDaemonProcess({
    dataDir,
    settings: smallSettings,
    env: { OSSEA_AT: `${moment}@${String(occurrence)}=kill` },
  });
  const id = await startMigration(doomed, smallVm.name);
  expect(await doomed.ended, `${moment} was not reached`).toMatchObject({ signal: 'SIGKILL' });
  if (again !== undefined) await dieDuringRecovery(dataDir, again);
  const daemon = await startDaemonProcess({ dataDir });
  const job = await waitForMigration(daemon, id);
  expect(job.error, moment).toBeNull();
  expect(job, moment).toMatchObject({ status: 'completed', proof: 'full' });
  await expectNothingTwice(dataDir, job, moment);
  await daemon.kill('SIGKILL');
  for (const [index, ends] of readBothEnds(dataDir, job).entries()) {
    const disk = job.disks[index];
    expect(ends).toEqual({ source: disk?.source_sha256, target: disk?.target_sha256, tailIsZero: true });
    expect(disk?.segments_resent).toBeLessThanOrEqual(1);
  }
  forget(dataDir, job);
}

/** The second process dies, too, unless what it had to do did not lead past that moment. */
async function dieDuringRecovery(dataDir: string, moment: string): Promise<void> {
  let second: DaemonProcess;
  try {
    second = await startDaemonProcess({ dataDir, env: { OSSEA_AT: `${moment}@1=kill` } });
  } catch (error) {
    // Recovery begins before the address is printed: dying that early is what was asked for.
    if (String(error).includes('SIGKILL')) return;
    throw error;
  }
  const { migrations } = await second.client
    .call('listMigrations', { query: { limit: 1 } }, { signal: AbortSignal.timeout(60_000) })
    .catch(() => ({ migrations: [] }));
  const [job] = migrations;
  if (job === undefined) {
    await second.ended;
    return;
  }
  await Promise.race([second.ended, waitForMigration(second, job.id).catch(() => second.ended)]);
  await second.kill('SIGKILL');
}

/** One volume a disk, one attach and one detach a volume: whatever was cut short. */
export async function expectNothingTwice(dataDir: string, job: Migration, moment: string): Promise<void> {
  const each = job.disks.length;
  const expected = { volumes: each, attaches: each, detaches: each, openMappings: 0, openExports: 0 };
  expect(await readLedger(dataDir, job), moment).toEqual(expected);
}

/** Hundreds of runs on one disk: the volumes of a run that was looked at go. */
export function forget(dataDir: string, job: Migration): void {
  for (const disk of job.disks) if (disk.volume_id !== null) rmSync(backingFile(dataDir, disk.volume_id));
}
