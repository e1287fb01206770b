import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { BlockDevice } from '../../domain/device.ts';

/** Rule D6: nothing on the appliance may use the disk while it is exported. Throws DEVICE_HELD naming what does. */
export function requireNotHeld(root: string, device: BlockDevice): void {
  const holders = [
    ...device.holders.map((name) => `held by ${name}`),
    ...mountPointsOf(root, device).map((path) => `mounted on ${path}`),
  ];
  if (holders.length === 0) return;
  throw new AppError('DEVICE_HELD', `${device.path} is ${holders.join(', ')}.`, {
    device_path: device.path,
    holders,
  });
}

/** Mounts of the disk and of its partitions, from the kernel's own list. */
function mountPointsOf(root: string, device: BlockDevice): string[] {
  const devs = new Set([device.dev, ...partitionDevs(join(root, 'sys/block', device.name))]);
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, , dev, , mountPoint] = line.split(' ');
      return dev !== undefined && mountPoint !== undefined && devs.has(dev) ? [mountPoint] : [];
    });
}

function partitionDevs(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(folder, entry.name, 'partition')))
    .map((entry) => readFileSync(join(folder, entry.name, 'dev'), 'utf8').trim());
}
