import { execFileSync } from 'node:child_process';
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type DaemonProcess,
  startDaemonProcess,
  startMigration,
  waitForMigration,
} from '../fixtures/daemon-process.ts';
import { newDataDir, removeDataDir } from '../fixtures/data-dir.ts';
import { leftovers } from '../fixtures/leftovers.ts';

const mib = 1024 ** 2;
const formats = ['raw', 'qcow2', 'vmdk', 'ova'] as const;

let dir: string;
let daemon: DaemonProcess;
let expected: string;

/** The same disk, half data and half hole, in every format that an administrator may bring. */
function writeImages(): void {
  const vms = join(dir, 'vms');
  mkdirSync(vms, { recursive: true });
  const bytes = Buffer.concat([randomBytes(6 * mib), Buffer.alloc(10 * mib), randomBytes(3 * mib + 512)]);
  expected = createHash('sha256').update(bytes).digest('hex');
  const raw = join(vms, 'disk.raw');
  writeFileSync(raw, bytes);
  const convert = (args: readonly string[], target: string): void => {
    execFileSync('qemu-img', ['convert', '-f', 'raw', ...args, raw, join(vms, target)]);
  };
  convert(['-O', 'qcow2', '-c'], 'disk.qcow2');
  convert(['-O', 'vmdk', '-o', 'subformat=monolithicSparse'], 'disk.vmdk');
  convert(['-O', 'vmdk', '-o', 'subformat=streamOptimized'], 'inner.vmdk');
  execFileSync('tar', ['-C', vms, '--format=ustar', '-cf', join(vms, 'disk.ova'), 'inner.vmdk']);
  rmSync(join(vms, 'inner.vmdk'));
  for (const format of formats) {
    const disk = { key: 2000, label: 'Hard disk 1', unit: 'SCSI (0:0)', file: `disk.${format}`, format };
    const definition = {
      vm_id: randomUUID(),
      name: `${format}-vm`,
      cpu_count: 1,
      memory_mib: 512,
      firmware: 'bios',
      guest_os: 'Other (64-bit)',
      power_state: 'off',
      disks: [format === 'ova' ? { ...disk, member: 'inner.vmdk' } : disk],
      nics: [],
    };
    writeFileSync(join(vms, `${format}-vm.json`), JSON.stringify(definition));
  }
}

beforeAll(async () => {
  dir = newDataDir();
  writeImages();
  daemon = await startDaemonProcess({ dataDir: dir, settings: { headroom_gib: 0 } });
});
afterAll(async () => {
  await daemon.stop();
  expect(leftovers(dir)).toEqual([]);
  removeDataDir(dir);
});

test.each(formats)('a disk in %s arrives as the bytes of the disk, not of the file', async (format) => {
  const job = await waitForMigration(daemon, await startMigration(daemon, `${format}-vm`));
  expect(job.error).toBeNull();
  const [disk] = job.disks;
  // vmdk counts in 64 KiB grains: what lies past the disk's own end is zero there.
  const padding = (disk?.capacity_bytes ?? 0) - (19 * mib + 512);
  expect(padding).toBeGreaterThanOrEqual(0);
  const volume = join(dir, 'lab/volumes', `${disk?.volume_id ?? ''}.raw`);
  const target = execFileSync('head', ['--bytes', String(19 * mib + 512), volume], { maxBuffer: 64 * mib });
  expect(createHash('sha256').update(target).digest('hex')).toBe(expected);
  expect(job).toMatchObject({ status: 'completed', proof: 'full' });
  expect(disk?.source_sha256).toBe(disk?.target_sha256);
});
