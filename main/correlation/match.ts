import type { BlockDevice, Evidence, HostSnapshot } from '../domain/device.ts';

export type Wanted = { readonly volumeId: string; readonly sizeBytes: number };

export type Verdict =
  | { readonly kind: 'proved'; readonly device: BlockDevice; readonly evidence: Evidence }
  | { readonly kind: 'none' }
  | { readonly kind: 'too-small'; readonly device: BlockDevice }
  | { readonly kind: 'ambiguous'; readonly candidates: readonly BlockDevice[] };

/** What a daemon knows when it asks which device a volume is. */
export type Knowledge = {
  readonly now: HostSnapshot;
  /**
   * What was there before the attach of this volume, on a host whose hypervisor gives no serials; else null. Where disks
   * have serials, one that is late must be waited for, and not be taken for whatever came instead.
   */
  readonly before: HostSnapshot | null;
  readonly others: readonly OtherVolume[];
};

/** Any other volume the daemon knows, on this host or not: a detached one may stay for a while, another may be late. */
export type OtherVolume = {
  readonly volumeId: string;
  /** Its device, by a mapping that still holds. */
  readonly device: Pick<BlockDevice, 'name' | 'dev'> | null;
  /**
   * It has no device, and one may be here or come: CloudStack has it on this host, or was asked to attach it, or took it
   * back in this boot before it was proved, and its disk may stay longer than CloudStack says.
   */
  readonly mayAppear: boolean;
};

/** CloudStack on KVM gives a disk the first 20 hex digits of its volume's UUID as serial (diskUuidToSerial). */
export const serialOf = (volumeId: string): string => volumeId.replaceAll('-', '').slice(0, 20).toLowerCase();

const looksLikeVolume = ({ serial }: BlockDevice): boolean => /^[0-9a-f]{20}$/i.test(serial);

/** Rule D2, whole: by the serial; without serials by appearance, when nothing else can have appeared. */
export function matchVolume(wanted: Wanted, { now, before, others }: Knowledge): Verdict {
  const bySerial = matchBySerial(wanted, now);
  // Eighty bits of the UUID are the serial: of two volumes that share them neither can be told from the other.
  if (others.some(({ volumeId }) => serialOf(volumeId) === serialOf(wanted.volumeId)))
    return bySerial.kind === 'none' ? bySerial : { kind: 'ambiguous', candidates: carriers(wanted, now) };
  if (bySerial.kind !== 'none' || before === null) return bySerial;
  const byAppearance = matchByAppearance(wanted, before, now);
  if (byAppearance.kind !== 'proved') return byAppearance;
  const { device } = byAppearance;
  // An attach whose wait ended still goes on: its disk may be the newcomer (rule J2).
  const mayBeAnother = others.some((other) => other.mayAppear || other.device?.dev === device.dev);
  return mayBeAnother ? { kind: 'ambiguous', candidates: [device] } : byAppearance;
}

const carriers = ({ volumeId }: Wanted, { devices }: HostSnapshot): BlockDevice[] =>
  devices.filter((device) => device.serial.toLowerCase() === serialOf(volumeId));

/** Rule D2 with a serial: exactly one device carries it and is at least as large as the volume. */
export function matchBySerial(wanted: Wanted, snapshot: HostSnapshot): Verdict {
  const candidates = carriers(wanted, snapshot);
  const [device, ...more] = candidates;
  if (device === undefined) return { kind: 'none' };
  if (more.length > 0) return { kind: 'ambiguous', candidates };
  const { byIdLeadsTo } = device;
  // udev and the kernel contradict each other: whoever is right, an export by the link would serve the other disk.
  if (byIdLeadsTo !== undefined)
    return { kind: 'ambiguous', candidates: [device, ...snapshot.devices.filter(({ path }) => path === byIdLeadsTo)] };
  if (device.sizeBytes < wanted.sizeBytes) return { kind: 'too-small', device };
  const excessBytes = device.sizeBytes - wanted.sizeBytes;
  return { kind: 'proved', device, evidence: { kind: 'serial', serial: serialOf(wanted.volumeId), excessBytes } };
}

const sameDisk = (a: BlockDevice, b: BlockDevice): boolean =>
  a.name === b.name && a.dev === b.dev && a.diskseq === b.diskseq;

/**
 * Rule D2 without serials: the caller attached one volume and nothing else since `before`; exactly one device is new
 * within the same boot, its size is exactly the volume's, and no disk of that size is gone. Anything else is no proof.
 */
export function matchByAppearance(wanted: Wanted, before: HostSnapshot, now: HostSnapshot): Verdict {
  if (before.bootId !== now.bootId) return { kind: 'none' };
  // One disk with a serial of CloudStack's shows that this hypervisor gives them: ours is late, and has one.
  if ([...before.devices, ...now.devices].some(looksLikeVolume)) return { kind: 'none' };
  const candidates = now.devices.filter((device) => !before.devices.some((old) => sameDisk(old, device)));
  const [device, ...others] = candidates;
  if (device === undefined) return { kind: 'none' };
  if (others.length > 0) return { kind: 'ambiguous', candidates };
  if (device.serial !== '' || device.sizeBytes !== wanted.sizeBytes) return { kind: 'ambiguous', candidates };
  // A disk of that size that is gone may be the newcomer under another name: the kernel found it anew.
  const gone = before.devices.filter((old) => !now.devices.some((found) => sameDisk(old, found)));
  if (gone.some(({ sizeBytes }) => sizeBytes === wanted.sizeBytes)) return { kind: 'ambiguous', candidates };
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
