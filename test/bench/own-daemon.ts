import { randomUUID } from 'node:crypto';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Migration } from '../../shared/contract/migrations.ts';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { labDoes } from '../fixtures/lab-control.ts';
import { backingFile } from '../fixtures/outside-proof.ts';
import { secondsOf } from './workbench.ts';

export type OwnDaemon = {
  readonly dataDir: string;
  /** A VM of its own over the image, from create to completed. */
  migrate(image: string): Promise<{ readonly seconds: number; readonly job: Migration }>;
};

/** Daemon and lab as they ship, in a data directory of their own; the cloud of the lab answers without its delays. */
export async function withDaemon<T>(work: (daemon: OwnDaemon) => Promise<T>): Promise<T> {
  const dataDir = newDataDir();
  try {
    const daemon = await startDaemonProcess({ dataDir, settings: { headroom_gib: 0 } });
    try {
      await labDoes(dataDir, 'settings', { delay_ms: [0, 0] });
      return await work({ dataDir, migrate: (image) => migrate(daemon, dataDir, image) });
    } finally {
      await daemon.stop();
    }
  } finally {
    removeDataDir(dataDir);
  }
}

async function migrate(
  daemon: DaemonProcess,
  dataDir: string,
  image: string,
): Promise<{ readonly seconds: number; readonly job: Migration }> {
  const name = `bench-${randomUUID().slice(0, 8)}`;
  writeFileSync(join(dataDir, 'vms', `${name}.json`), JSON.stringify(definition(name, image)));
  let job: Migration | undefined;
  const seconds = await secondsOf(async () => {
    job = await waitForMigration(daemon, await startMigration(daemon, name));
  });
  if (job?.status !== 'completed')
    throw new Error(`The migration ended as ${job?.status ?? 'nothing'}: ${job?.reason ?? ''}`);
  for (const { volume_id: volumeId, volume_bytes: bytes } of job.disks) {
    // The detached volume is let go of, or the rounds would fill the disk.
    if (volumeId === null || bytes === null) continue;
    truncateSync(backingFile(dataDir, volumeId), 0);
    truncateSync(backingFile(dataDir, volumeId), bytes);
  }
  return { seconds, job };
}

const definition = (name: string, file: string): object => ({
  vm_id: randomUUID(),
  name,
  cpu_count: 1,
  memory_mib: 1024,
  firmware: 'bios',
  guest_os: 'otherLinux64Guest',
  power_state: 'off',
  disks: [{ key: 2000, label: 'Hard disk 1', unit: 'SCSI (0:0)', file, format: 'raw' }],
  nics: [],
});

/** Seconds in each phase, by the job's own timeline. */
export function phaseSeconds(job: Migration): ReadonlyMap<string, number> {
  return new Map(
    job.timeline.map(({ phase, started_at: from, ended_at: to }) => [
      phase,
      to === null ? 0 : (Date.parse(to) - Date.parse(from)) / 1000,
    ]),
  );
}
