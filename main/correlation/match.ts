import type { BlockDevice, Evidence, HostSnapshot } from '../domain/device.ts';

export type Wanted = { readonly volumeId: string; readonly sizeBytes: number };

export type Verdict =
  | { readonly kind: 'proved'; readonly device: BlockDevice; readonly evidence: Evidence }
  | { readonly kind: 'none' }
  | { readonly kind: 'too-small'; readonly device: BlockDevice }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly BlockDevice[] };

/** CloudStack on KVM gives a disk the first 20 hex digits of its volume's UUID as serial (diskUuidToSerial). */
export const serialOf = (volumeId: string): string => volumeId.replaceAll('-', '').slice(0, 20).toLowerCase();

/** Rule D2 with a serial: exactly one device carries it and is at least as large as the volume. */
export function matchBySerial(wanted: Wanted, snapshot: HostSnapshot): Verdict {
  const serial = serialOf(wanted.volumeId);
  const candidates = snapshot.devices.filter((device) => device.serial.toLowerCase() === serial);
  const [device, ...others] = candidates;
  if (device === undefined) return { kind: 'none' };
  if (others.length > 0) return { kind: 'ambiguous', candidates };
  if (device.sizeBytes < wanted.sizeBytes) return { kind: 'too-small', device };
  return {
    kind: 'proved',
    device,
    evidence: { kind: 'serial', serial, excessBytes: device.sizeBytes - wanted.sizeBytes },
  };
}

const sameDisk = (a: BlockDevice, b: BlockDevice): boolean =>
  a.name === b.name && a.dev === b.dev && a.diskseq === b.diskseq;

/**
 * Rule D2 without serials: the caller attached one volume and nothing else since `before`; exactly one device is new
 * within the same boot, and its size is exactly the volume's. Anything else is no proof.
 */
export function matchByAppearance(wanted: Wanted, before: HostSnapshot, now: HostSnapshot): Verdict {
  if (before.bootId !== now.bootId) return { kind: 'none' };
  const candidates = now.devices.filter((device) => !before.devices.some((old) => sameDisk(old, device)));
  const [device, ...others] = candidates;
  if (device === undefined) return { kind: 'none' };
  if (others.length > 0) return { kind: 'ambiguous', candidates };
  if (device.serial !== '' || device.sizeBytes !== wanted.sizeBytes) return { kind: 'ambiguous', candidates };
  return { kind: 'proved', device, evidence: { kind: 'only-new-device', sizeBytes: device.sizeBytes } };
}

/** Is the device that a mapping named still this very disk: same name, kernel identity, sequence, serial and size? */
export function isStill(known: Omit<BlockDevice, 'holders'>, now: BlockDevice): boolean {
  return (
    known.name === now.name &&
    known.dev === now.dev &&
    known.diskseq === now.diskseq &&
    known.serial === now.serial &&
    known.sizeBytes === now.sizeBytes
  );
}
