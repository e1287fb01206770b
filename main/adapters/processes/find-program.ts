import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';

/** Which Debian package brings a program: the remedy an administrator can type. */
const packages: Readonly<Record<string, string>> = {
  blockdev: 'util-linux',
  dd: 'coreutils',
  flock: 'util-linux',
  'nbd-server': 'nbd-server',
  nbdcopy: 'libnbd-bin',
  nbdinfo: 'libnbd-bin',
  nbdkit: 'nbdkit',
  'qemu-img': 'qemu-utils',
  'qemu-io': 'qemu-utils',
  'qemu-nbd': 'qemu-utils',
  setpriv: 'util-linux',
  ss: 'iproute2',
  timeout: 'coreutils',
  udevadm: 'udev',
};

/** Absolute path of a program on PATH; an ordinary user's PATH lacks the sbin folders, so they are appended. */
export function findProgram(name: string, env: NodeJS.ProcessEnv = process.env): string {
  const folders = [...(env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  for (const folder of folders) {
    if (folder !== '' && isExecutable(join(folder, name))) return join(folder, name);
  }
  const packageName = packages[name] ?? name;
  throw new AppError('PROGRAM_MISSING', `\`${name}\` was not found on PATH; Debian package: ${packageName}.`, {
    program: name,
    package: packageName,
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
