import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import type { z } from 'zod';
import { AppError } from '../../../shared/errors.ts';
import { type ImageFile, isImageFile, type SourceDisk, type SourceImage, type SourceVm } from '../../domain/vm.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { Sources } from '../../ports/sources.ts';
import { type VmDefinition, vmDefinition } from './definition.ts';
import { allocatedExtents, imageFacts } from './qemu-img.ts';

/** VM definitions (`*.json`) in one folder over raw, qcow2, vmdk and OVA images. */
export function createSourceImages({
  dir,
  sourceId = dir,
}: {
  readonly dir: string;
  /** Identity of the site that these VMs belong to; the folder itself unless told. */
  readonly sourceId?: string;
}): Sources {
  return {
    list: async (options) => {
      const vms: SourceVm[] = [];
      const fileOf = new Map<string, string>();
      for (const file of await definitionFiles(dir)) {
        const definition = await readDefinition(join(dir, file));
        const earlier = fileOf.get(definition.vm_id);
        if (earlier !== undefined) {
          throw invalid(file, 'vm_id', `${definition.vm_id} is already the id of ${earlier}`);
        }
        fileOf.set(definition.vm_id, file);
        vms.push(await describe({ dir, sourceId, file, definition }, options));
      }
      return vms;
    },
    state: async (disk, options) => ({ fingerprint: await fingerprint(imageFile(disk.image), options) }),
    allocated: (image, options) => allocatedExtents(imageFile(image), options),
  };
}

async function definitionFiles(dir: string): Promise<string[]> {
  const names = await readdir(dir).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('SOURCE_UNREADABLE', `The folder of VM definitions: ${reason}`, { path: dir }, { cause: error });
  });
  return names.filter((name) => name.endsWith('.json')).sort();
}

async function readDefinition(path: string): Promise<VmDefinition> {
  let json: unknown;
  try {
    json = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw invalid(path, '(file)', error instanceof Error ? error.message : String(error));
  }
  const parsed = vmDefinition.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue: z.core.$ZodIssue | undefined = parsed.error.issues[0];
  throw invalid(path, issue?.path.join('.') || '(file)', issue?.message ?? 'is not valid');
}

const invalid = (file: string, field: string, why: string): AppError =>
  new AppError('INVALID_REQUEST', `VM definition ${file}, field ${field}: ${why}.`, { file, field });

async function describe(
  {
    dir,
    sourceId,
    file,
    definition,
  }: { readonly dir: string; readonly sourceId: string; readonly file: string; readonly definition: VmDefinition },
  options: Signalled,
): Promise<SourceVm> {
  const disks: SourceDisk[] = [];
  for (const [index, disk] of definition.disks.entries()) {
    const path = isAbsolute(disk.file) ? disk.file : resolve(dir, disk.file);
    const image: ImageFile = { path, format: disk.format, member: disk.member };
    const facts = await imageFacts(image, options).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'SOURCE_UNREADABLE') throw error;
      throw invalid(file, `disks.${index}.file`, error.reason ?? 'cannot be read');
    });
    await requireWholeSectors(image, file, index);
    disks.push({
      key: disk.key,
      label: disk.label,
      unit: disk.unit,
      capacityBytes: facts.capacityBytes,
      image,
    });
  }
  return {
    sourceKind: 'images',
    sourceId,
    vmId: definition.vm_id,
    name: definition.name,
    cpuCount: definition.cpu_count,
    memoryMib: definition.memory_mib,
    firmware: definition.firmware,
    guestOs: definition.guest_os,
    powerState: definition.power_state,
    disks,
    nics: definition.nics,
  };
}

function imageFile(image: SourceImage): ImageFile {
  if (!isImageFile(image)) throw new AppError('INTERNAL', `${image.path} is no image file.`);
  return image;
}

/** Changes when any file of the image was written, replaced or resized. */
async function fingerprint(image: ImageFile, options: Signalled): Promise<string> {
  const { files, capacityBytes } = await imageFacts(image, options);
  const hash = createHash('sha256').update(`${capacityBytes}\n`);
  for (const file of [...files].sort()) {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    hash.update(`${file}\0${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}\n`);
  }
  return hash.digest('hex');
}

const sectorBytes = 512n;

/** qemu would round such a file up and invent bytes that no proof could read. */
async function requireWholeSectors(image: ImageFile, file: string, index: number): Promise<void> {
  if (image.format !== 'raw') return;
  const { size } = await stat(image.path, { bigint: true });
  if (size % sectorBytes !== 0n) {
    throw invalid(file, `disks.${index}.file`, `${image.path} has ${size} bytes, not a whole number of sectors`);
  }
}
