import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { VmDefinition } from '../images/definition.ts';
import { uuidFrom } from '../random.ts';
import { runProgram } from '../run-program.ts';
import { plainDisk, plainNic, plainVm, type VmDisk, type VmPlan } from './vm-plan.ts';

const guestNames: Readonly<Record<string, string>> = {
  debian12_64Guest: 'Debian GNU/Linux 12 (64-bit)',
  windows2019srv_64Guest: 'Microsoft Windows Server 2019 (64-bit)',
  otherLinux64Guest: 'Other Linux (64-bit)',
};

const fixedMorefs: Readonly<Record<string, string>> = {
  pgtest2: 'vm-101',
  PGWINTESTBIOS: 'vm-102',
  'db-01': 'vm-103',
  'odd-01': 'vm-104',
  'big-01': 'vm-105',
};

/** Numbers of their own for clones, the same after every start. */
const morefOf = (name: string): string =>
  fixedMorefs[name] ?? `vm-1${createHash('sha256').update(`moref ${name}`).digest().readUIntBE(0, 5)}`;

type SizeOf = (path: string, format: string) => Promise<number>;

/** The VMs of DIR/vms, clones too, as vCenter has them. */
export async function readLabVms(vmsDir: string, sizeOf: SizeOf): Promise<VmPlan[]> {
  const names = (await readdir(vmsDir)).filter((name) => name.endsWith('.json')).sort();
  return await Promise.all(
    names.map(async (name) => {
      const definition = JSON.parse(await readFile(join(vmsDir, name), 'utf8')) as VmDefinition;
      return await planOf(definition, vmsDir, sizeOf);
    }),
  );
}

async function planOf(definition: VmDefinition, vmsDir: string, sizeOf: SizeOf): Promise<VmPlan> {
  const { name, guest_os: guestId } = definition;
  const disks = definition.disks.map(async (disk, index): Promise<VmDisk> => {
    const path = resolve(vmsDir, disk.file);
    const sizeBytes = await sizeOf(path, disk.format);
    const content = { from: 'image', path, format: disk.format } as const;
    return { ...plainDisk(name, index, 0), key: disk.key, sizeBytes, content };
  });
  return {
    ...plainVm(name, morefOf(name)),
    vmId: definition.vm_id,
    biosUuid: uuidFrom(`bios ${name}`),
    cpuCount: definition.cpu_count,
    memoryMib: definition.memory_mib,
    firmware: definition.firmware,
    guestId,
    guestFullName: guestNames[guestId] ?? guestId,
    power: definition.power_state === 'on' ? 'poweredOn' : 'poweredOff',
    disks: await Promise.all(disks),
    nics: definition.nics.map((nic, index) => ({ ...plainNic(name), key: 4000 + index, mac: nic.mac })),
  };
}

/** What a guest would see of an image. Clones share images, so each is looked at once. */
export function createSizeOf(): SizeOf {
  const known = new Map<string, Promise<number>>();
  const look = async (path: string, format: string): Promise<number> => {
    if (format === 'raw') return (await stat(path)).size;
    const args = ['info', '--output=json', '--force-share', path];
    const end = await runProgram('qemu-img', args, { debianPackage: 'qemu-utils' });
    if (end.code !== 0) throw new AppError('INTERNAL', `qemu-img info of ${path} failed: ${end.stderr.trim()}`);
    return (JSON.parse(end.stdout) as { readonly 'virtual-size': number })['virtual-size'];
  };
  return (path, format) => {
    const size = known.get(path) ?? look(path, format);
    known.set(path, size);
    return size;
  };
}
