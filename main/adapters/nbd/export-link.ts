import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import type { HostSnapshot, Mapping } from '../../domain/device.ts';
import { writeDurably } from '../processes/durable-file.ts';
import { devOf, gone } from '../processes/proc.ts';

const sectorBytes = 512;

export type Stamp = {
  readonly dev: string;
  readonly sectors: string;
  readonly diskseq: string;
  readonly serial: string;
  readonly bootId: string;
  readonly sys: string;
};

export const exportNameOf = (volumeId: string): string => `migration-vol-${volumeId}`;

/** Rule D3: the boot id is in the path, so that a link of an earlier boot can never be used by accident. */
export function linkPathOf(root: string, mapping: Pick<Mapping, 'bootId' | 'volumeId'>): string {
  return join(root, 'run/ossea', mapping.bootId, 'vol', mapping.volumeId);
}

/** Where the link leads: by-id on KVM, which names the disk by its serial; else the device itself. */
function targetOf(root: string, mapping: Mapping): string {
  const device = join(root, mapping.device.path);
  if (mapping.evidence.kind !== 'serial') return device;
  const byId = join(root, 'dev/disk/by-id', `virtio-${mapping.evidence.serial}`);
  return gone(() => lstatSync(byId)) === null ? device : byId;
}

/** Makes link and stamp after a proof. Answers false when both were there already and fit. */
export function placeLink(root: string, mapping: Mapping): boolean {
  const linkPath = linkPathOf(root, mapping);
  const target = targetOf(root, mapping);
  const node = nodeDev(target);
  if (node !== mapping.device.dev) {
    throw new AppError('DEVICE_CHANGED', `${target} leads to ${node ?? 'nothing'}, not to ${mapping.device.dev}.`, {
      path: target,
      found: node,
      expected: mapping.device.dev,
    });
  }
  const stamp = renderStamp(root, mapping);
  const placed = gone(() => readlinkSync(linkPath));
  if (placed === target && gone(() => readFileSync(`${linkPath}.stamp`, 'utf8')) === stamp) return false;
  mkdirSync(dirname(linkPath), { recursive: true, mode: 0o700 });
  writeDurably(`${linkPath}.stamp`, stamp);
  const temporary = `${linkPath}.new`;
  rmSync(temporary, { force: true });
  symlinkSync(target, temporary);
  renameSync(temporary, linkPath);
  return true;
}

/** Link and stamp away: from here on prerun refuses everybody. */
export function removeLink(linkPath: string): void {
  rmSync(linkPath, { force: true });
  rmSync(`${linkPath}.stamp`, { force: true });
}

export function nodeDev(path: string): string | null {
  const stats = gone(() => statSync(path, { bigint: true }));
  return stats === null ? null : devOf(stats);
}

function renderStamp(root: string, { device, bootId }: Mapping): string {
  const fields = {
    dev: device.dev,
    sectors: String(device.sizeBytes / sectorBytes),
    diskseq: device.diskseq ?? '',
    serial: device.serial,
    boot_id: bootId,
    sys: join(root, 'sys/block', device.name),
    boot_id_path: join(root, 'proc/sys/kernel/random/boot_id'),
  };
  const lines = Object.entries(fields).map(([key, value]) => `${key}=${value}`);
  return `${lines.join('\n')}\ncomplete=yes\n`;
}

export function readStamp(linkPath: string): Stamp | null {
  const text = gone(() => readFileSync(`${linkPath}.stamp`, 'utf8'));
  if (text?.endsWith('\ncomplete=yes\n') !== true) return null;
  const field = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  return {
    dev: field('dev'),
    sectors: field('sectors'),
    diskseq: field('diskseq'),
    serial: field('serial'),
    bootId: field('boot_id'),
    sys: field('sys'),
  };
}

/** Whether a section found in the file may still be served: same boot, link there, device unchanged. */
export function linkIsCurrent(root: string, linkPath: string, snapshot: HostSnapshot): boolean {
  const stamp = readStamp(linkPath);
  if (stamp === null || stamp.bootId !== snapshot.bootId || !existsSync(linkPath)) return false;
  const device = snapshot.devices.find(({ name }) => join(root, 'sys/block', name) === stamp.sys);
  return (
    device?.dev === stamp.dev &&
    String(device.sizeBytes / sectorBytes) === stamp.sectors &&
    (device.diskseq ?? '') === stamp.diskseq &&
    device.serial === stamp.serial &&
    nodeDev(linkPath) === stamp.dev
  );
}
