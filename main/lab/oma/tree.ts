import { mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, readTextIfThere } from '../json-file.ts';
import type { HostDevice } from '../state.ts';

/** The files by which a Linux guest shows its disks, below `root`. */
export type HostTree = {
  create(): Promise<void>;
  setBootId(bootId: string): Promise<void>;
  /** Links first, then the whole sys entry by one rename: who sees the entry sees all of it. */
  add(device: HostDevice): Promise<void>;
  /** The other way round. */
  remove(device: Pick<HostDevice, 'name' | 'serial'>): Promise<void>;
  holds(device: HostDevice): Promise<boolean>;
  /** Removes every entry and link that is not one of `devices`. */
  keepOnly(devices: readonly HostDevice[]): Promise<void>;
};

const byIdName = (serial: string): string => `virtio-${serial}`;

export function createHostTree(root: string): HostTree {
  const sysBlock = join(root, 'sys/block');
  const dev = join(root, 'dev');
  const byId = join(dev, 'disk/by-id');
  const aside = join(root, 'sys/.making');
  const bootIdFile = join(root, 'proc/sys/kernel/random/boot_id');

  const linkNow = async (target: string, path: string): Promise<void> => {
    await rm(`${path}.new`, { force: true });
    await symlink(target, `${path}.new`);
    await rename(`${path}.new`, path);
  };

  const removeEntry = async (name: string): Promise<void> => {
    const doomed = join(aside, `gone-${name}`);
    await rm(doomed, { recursive: true, force: true });
    try {
      await rename(join(sysBlock, name), doomed);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
    await rm(doomed, { recursive: true, force: true });
  };

  const files = (device: HostDevice): Record<string, string> => ({
    dev: device.dev,
    diskseq: String(device.diskseq),
    serial: device.serial,
    size: String(device.sizeBytes / 512),
  });

  return {
    create: async () => {
      for (const folder of [sysBlock, byId, aside, join(bootIdFile, '..'), join(root, 'run'), join(root, 'var/lib')]) {
        await mkdir(folder, { recursive: true });
      }
    },
    setBootId: async (bootId) => {
      await writeFile(`${bootIdFile}.new`, `${bootId}\n`);
      await rename(`${bootIdFile}.new`, bootIdFile);
    },
    add: async (device) => {
      await linkNow(device.node, join(dev, device.name));
      if (device.serial !== '') await linkNow(`../../${device.name}`, join(byId, byIdName(device.serial)));
      const entry = join(aside, device.name);
      await rm(entry, { recursive: true, force: true });
      await mkdir(join(entry, 'holders'), { recursive: true });
      for (const [name, text] of Object.entries(files(device))) await writeFile(join(entry, name), `${text}\n`);
      await removeEntry(device.name);
      await rename(entry, join(sysBlock, device.name));
    },
    remove: async ({ name, serial }) => {
      await removeEntry(name);
      if (serial !== '') await rm(join(byId, byIdName(serial)), { force: true });
      await rm(join(dev, name), { force: true });
    },
    holds: async (device) => {
      for (const [name, text] of Object.entries(files(device))) {
        if ((await readTextIfThere(join(sysBlock, device.name, name))) !== `${text}\n`) return false;
      }
      if ((await linkIfThere(join(dev, device.name))) !== device.node) return false;
      if (device.serial === '') return true;
      return (await linkIfThere(join(byId, byIdName(device.serial)))) === `../../${device.name}`;
    },
    keepOnly: async (devices) => {
      const names = new Set(devices.map((device) => device.name));
      const links = new Set(devices.map((device) => byIdName(device.serial)));
      for (const name of await readdir(sysBlock)) if (!names.has(name)) await removeEntry(name);
      for (const name of await readdir(byId)) if (!links.has(name)) await rm(join(byId, name), { force: true });
      for (const name of await readdir(dev)) {
        if (name.startsWith('vd') && !names.has(name)) await rm(join(dev, name), { force: true });
      }
    },
  };
}

async function linkIfThere(path: string): Promise<string | null> {
  try {
    return await readlink(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw error;
  }
}
