import { open, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { hasCode, writeFileDurably } from '../json-file.ts';
import { runProgram } from '../run-program.ts';
import { scatter, seededBytes, writeSeeded } from './bytes.ts';
import { type DiskPlan, vmPlans } from './catalogue.ts';
import { definitionOf } from './definition.ts';
import { writeExt4 } from './ext4.ts';

/** Makes what is missing of the demo VMs, at first use and all at once. A definition appears after its disks. */
export async function ensureVms({ imagesDir, vmsDir }: { imagesDir: string; vmsDir: string }): Promise<void> {
  await Promise.all(
    vmPlans.map(async (plan) => {
      await Promise.all(plan.disks.map((disk) => ensureDisk(join(imagesDir, disk.file), disk)));
      const path = join(vmsDir, `${plan.name}.json`);
      if ((await sizeOf(path)) === null) {
        await writeFileDurably(path, `${JSON.stringify(definitionOf(plan), null, 2)}\n`, 0o644);
      }
    }),
  );
}

async function ensureDisk(path: string, plan: DiskPlan): Promise<void> {
  const size = await sizeOf(path);
  // An unfinished image never has this name; after a crash of the machine it may be there and be cut short.
  if (size !== null && (plan.format === 'raw' ? size === plan.sizeBytes : size > 0)) return;
  const raw = `${path}.making`;
  await rm(raw, { force: true });
  const file = await open(raw, 'w');
  try {
    await file.truncate(plan.sizeBytes);
    if (plan.content.kind === 'scattered') {
      const { bytes, count, bootSector } = plan.content;
      for (const piece of scatter(plan.file, plan.sizeBytes, { bytes, count })) {
        await writeSeeded(file, `${plan.file} ${piece.offset}`, piece);
      }
      if (bootSector === true) await file.write(masterBootRecord(plan.sizeBytes), 0, 512, 0);
    }
  } finally {
    await file.close();
  }
  if (plan.content.kind === 'ext4') await writeExt4(raw, plan.content);
  if (plan.format === 'raw') {
    await rename(raw, path);
    return;
  }
  const converted = `${path}.converting`;
  const args = ['convert', '-f', 'raw', '-O', plan.format, raw, converted];
  const end = await runProgram('qemu-img', args, { debianPackage: 'qemu-utils' });
  if (end.code !== 0) throw new AppError('INTERNAL', `qemu-img for ${path} failed: ${end.stderr.trim()}`);
  await rename(converted, path);
  await rm(raw);
}

/** One NTFS partition from 1 MiB to the end, and a boot loader that nothing here will run. */
function masterBootRecord(sizeBytes: number): Buffer {
  const sector = Buffer.concat([...seededBytes('boot loader', 512)]);
  sector.fill(0, 446, 510);
  sector.writeUInt8(0x80, 446);
  sector.writeUInt8(0x07, 450);
  sector.writeUInt32LE(2048, 454);
  sector.writeUInt32LE(sizeBytes / 512 - 2048, 458);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}
