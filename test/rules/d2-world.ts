import type { BlockDevice, HostSnapshot } from '../../main/domain/device.ts';
import type { Random } from './d2-random.ts';

/**
 * The reference: a host, its cloud, and the truth about which volume each disk is. It imports nothing of the matcher
 * and makes serials and sequence numbers by itself, as hypervisor and kernel do.
 */
export type Volume = {
  readonly id: string;
  sizeBytes: number;
  /** What CloudStack says. */
  attached: boolean;
  /** Ours, or another owner's on the same host: those are known from the cloud's list, and never asked for. */
  readonly isOurs: boolean;
};

export type Disk = {
  /** The truth; null for a disk that is no volume of the cloud. */
  readonly volume: Volume | null;
  readonly serial: string;
  sizeBytes: number;
  name: string;
  /** Another number each time a disk comes: the kernel's sequence, where there is one. */
  sequence: number;
  isVisible: boolean;
  /** A by-id link that leads elsewhere. */
  link: string | null;
};

export type World = {
  readonly random: Random;
  /** kvm: disks carry serials. bare: none do (VMware, XenServer). */
  readonly kind: 'kvm' | 'bare';
  readonly hasDiskseq: boolean;
  bootId: string;
  nextSequence: number;
  boots: number;
  volumes: Volume[];
  disks: Disk[];
};

export const gib = 1024 ** 3;
const letters = 'bcdefghijklm'.split('');

export function newWorld(random: Random): World {
  const kind = random.chance(0.6) ? 'kvm' : 'bare';
  const world: World = {
    random,
    kind,
    // Old kernels have none; without serials as well nothing at all could tell two disks apart.
    hasDiskseq: kind === 'bare' || random.chance(0.8),
    bootId: 'boot-1',
    nextSequence: 2,
    boots: 1,
    volumes: [],
    disks: [],
  };
  world.disks.push({
    volume: null,
    serial: '',
    sizeBytes: 8 * gib,
    name: 'vda',
    sequence: 1,
    isVisible: true,
    link: null,
  });
  // Whoever set the host up may have given it a disk for data.
  if (random.chance(0.4)) show(world, plug(world, { volume: null, serial: '', sizeBytes: gib }));
  return world;
}

export function newVolume(world: World, { isOurs = true, likeSerialOf }: { isOurs?: boolean; likeSerialOf?: Volume }) {
  const { random } = world;
  const head = likeSerialOf === undefined ? random.hex(20) : likeSerialOf.id.replaceAll('-', '').slice(0, 20);
  const digits = `${head}${random.hex(12)}`;
  const id = digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const sizeBytes = likeSerialOf?.sizeBytes ?? (random.chance(0.7) ? gib : 2 * gib);
  const volume: Volume = { id, sizeBytes, attached: false, isOurs };
  world.volumes.push(volume);
  return volume;
}

/** The hypervisor's part: the first twenty digits of the UUID. */
export const serialFor = (world: World, volume: Volume): string =>
  world.kind === 'kvm' ? volume.id.replace(/-/g, '').substring(0, 20) : '';

/** Any free letter, not the next: libvirt chooses slots, and the kernel names by the order of its probes. */
export function freeName({ random, disks }: World): string {
  const used = new Set(disks.map(({ name }) => name));
  const free = letters.map((letter) => `vd${letter}`).filter((name) => !used.has(name));
  return random.pick(free) ?? `vd${random.hex(4)}`;
}

export function plug(world: World, disk: Pick<Disk, 'volume' | 'serial' | 'sizeBytes'> & Partial<Disk>): Disk {
  const made: Disk = { name: freeName(world), sequence: 0, isVisible: false, link: null, ...disk };
  world.disks.push(made);
  return made;
}

export function show(world: World, disk: Disk): void {
  disk.isVisible = true;
  disk.sequence = world.nextSequence;
  world.nextSequence += 1;
}

/** With the disk goes a twin that somebody made of it by hand. */
export function remove(world: World, disk: Disk): void {
  world.disks = world.disks.filter(
    (other) => other !== disk && !(other.volume === null && other.serial !== '' && other.serial === disk.serial),
  );
}

/** Another boot: names and sequence numbers begin anew, and everything that is attached is there. */
export function boot(world: World): void {
  const { random } = world;
  world.boots += 1;
  world.bootId = `boot-${world.boots}`;
  world.nextSequence = 1;
  for (const disk of world.disks.filter(({ volume }) => volume?.attached === false)) remove(world, disk);
  const [root, ...others] = world.disks.sort((a, b) => Number(b.name === 'vda') - Number(a.name === 'vda'));
  world.disks = root === undefined ? [] : [root];
  if (root !== undefined) show(world, root);
  while (others.length > 0) {
    const [disk] = others.splice(random.below(others.length), 1);
    if (disk === undefined) continue;
    // Without gaps, as a boot gives names.
    disk.name = `vd${letters[world.disks.length - 1] ?? random.hex(4)}`;
    disk.link = null;
    world.disks.push(disk);
    show(world, disk);
  }
}

export function snapshotOf({ disks, bootId, hasDiskseq }: World): HostSnapshot {
  return {
    bootId,
    devices: disks
      .filter(({ isVisible }) => isVisible)
      .map(({ name, sizeBytes, serial, sequence, link }): BlockDevice => {
        const device = {
          name,
          path: `/dev/${name}`,
          dev: `252:${(name.charCodeAt(2) - 97) * 16}`,
          sizeBytes,
          diskseq: hasDiskseq ? String(sequence) : null,
          serial,
          holders: [],
        };
        return link === null ? device : { ...device, byIdLeadsTo: link };
      }),
  };
}
