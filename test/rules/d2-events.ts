import { boot, type Disk, gib, newVolume, plug, remove, serialFor, show, type Volume, type World } from './d2-world.ts';

/** What happens to a host. An event that cannot happen now answers null, and another is drawn. */
export type Happening = { readonly what: string; readonly attached?: Volume; readonly detached?: Volume };

const visible = ({ disks }: World): Disk[] => disks.filter(({ isVisible, name }) => isVisible && name !== 'vda');
const ofVolumes = (world: World): Disk[] => visible(world).filter(({ volume }) => volume !== null);
const hidden = ({ disks }: World): Disk[] => disks.filter(({ isVisible }) => !isVisible);

function attach(world: World, volume: Volume): Disk {
  const { random } = world;
  volume.attached = true;
  // On KVM the storage may round up; without serials nothing but the exact size is a proof (rule D2).
  const excess = world.kind === 'kvm' && random.chance(0.2) ? 4096 : 0;
  return plug(world, { volume, serial: serialFor(world, volume), sizeBytes: volume.sizeBytes + excess });
}

/** A disk that is no volume of this cloud, attached by hand. */
function byHand(world: World): Happening | null {
  const { random, kind } = world;
  // Without serials no evidence tells a disk of the same size from ours when it comes instead of ours. Rule D2 wants one
  // attach at a time there, which a person can break; another size, or a time when nothing is attached, is told.
  const isWaited = kind === 'bare' && world.volumes.some(({ attached }) => attached);
  const serial = kind === 'kvm' && random.chance(0.5) ? random.hex(20) : '';
  const disk = plug(world, { volume: null, serial, sizeBytes: isWaited ? 3 * gib : gib });
  show(world, disk);
  return { what: `a disk attached by hand is ${disk.name}` };
}

/** One disk goes and another has its name at once, before anybody looks. */
function takeOver(world: World): Happening | null {
  const { random, hasDiskseq } = world;
  const old = random.pick(visible(world));
  const next = random.pick(hidden(world).filter((disk) => hasDiskseq || disk.serial !== old?.serial));
  if (old === undefined || next === undefined) return null;
  remove(world, old);
  next.name = old.name;
  show(world, next);
  return {
    what: `${next.volume?.id ?? 'a disk'} takes the name ${next.name} of ${old.volume?.id ?? 'a disk attached by hand'}`,
  };
}

/** Two disks of one size change places: the kernel found them anew. */
function swap(world: World): Happening | null {
  const { random } = world;
  const a = random.pick(visible(world));
  const b = random.pick(visible(world).filter((disk) => disk !== a && disk.sizeBytes === a?.sizeBytes));
  if (a === undefined || b === undefined) return null;
  // A twin made by hand, on a kernel without sequence numbers: nothing at all tells the two apart.
  if (!world.hasDiskseq && a.serial === b.serial) return null;
  [a.name, b.name] = [b.name, a.name];
  show(world, a);
  show(world, b);
  return { what: `${a.name} and ${b.name} change places` };
}

const shared = (world: World, volume: Volume): boolean =>
  world.volumes.some((other) => other !== volume && other.id.slice(0, 23) === volume.id.slice(0, 23));

export const events: Readonly<Record<string, (world: World) => Happening | null>> = {
  attach: (world) => {
    const again = world.random.pick(world.volumes.filter((volume) => volume.isOurs && !volume.attached));
    const volume = again !== undefined && world.random.chance(0.5) ? again : newVolume(world, {});
    const disk = attach(world, volume);
    return { what: `${volume.id} is attached, its disk will be ${disk.name}`, attached: volume };
  },
  appear: (world) => {
    const disk = world.random.pick(hidden(world));
    if (disk === undefined) return null;
    show(world, disk);
    return { what: `${disk.name} appears` };
  },
  detach: (world) => {
    const volume = world.random.pick(world.volumes.filter(({ attached, isOurs }) => attached && isOurs));
    if (volume === undefined) return null;
    volume.attached = false;
    // A guest may keep a disk for a while after the cloud says that it is detached.
    const stays = world.random.chance(0.2);
    for (const disk of world.disks.filter((one) => one.volume === volume))
      if (!disk.isVisible || !stays) remove(world, disk);
    return { what: `${volume.id} is detached${stays ? ', its disk stays' : ''}`, detached: volume };
  },
  vanish: (world) => {
    const disk = world.random.pick(ofVolumes(world));
    if (disk === undefined) return null;
    remove(world, disk);
    return { what: `${disk.name} vanishes` };
  },
  'take over': takeOver,
  swap,
  boot: (world) => {
    boot(world);
    return {
      what: `the host boots: ${world.disks.map(({ name, volume }) => `${name}=${volume?.id ?? '-'}`).join(' ')}`,
    };
  },
  resize: (world) => {
    const disk = world.random.pick(ofVolumes(world).filter((one) => one.volume?.attached === true));
    if (disk?.volume == null) return null;
    const { volume } = disk;
    // The cloud first; the guest sees it later, or never without a boot.
    volume.sizeBytes = volume.sizeBytes === gib ? 2 * gib : gib;
    const isSeen = world.random.chance(0.5);
    if (isSeen) disk.sizeBytes = volume.sizeBytes;
    return { what: `${volume.id} has ${volume.sizeBytes / gib} GiB${isSeen ? ', and so has its disk' : ''}` };
  },
  'by hand': byHand,
  'of another owner': (world) => {
    const volume = newVolume(world, { isOurs: false });
    const disk = attach(world, volume);
    if (world.random.chance(0.7)) show(world, disk);
    return { what: `another owner attaches ${volume.id}, ${disk.name}` };
  },
  'twin by hand': (world) => {
    const disk = world.random.pick(ofVolumes(world));
    if (disk === undefined || world.kind === 'bare') return null;
    const twin = plug(world, { volume: null, serial: disk.serial, sizeBytes: disk.sizeBytes });
    show(world, twin);
    return { what: `${twin.name} has the serial of ${disk.name}` };
  },
  'same serial': (world) => {
    const like = world.random.pick(world.volumes.filter((volume) => volume.attached && !shared(world, volume)));
    if (like === undefined || world.kind === 'bare' || !world.hasDiskseq) return null;
    const volume = newVolume(world, { likeSerialOf: like });
    const disk = attach(world, volume);
    if (world.random.chance(0.5)) show(world, disk);
    return { what: `${volume.id} shares the serial of ${like.id}, ${disk.name}`, attached: volume };
  },
  'link astray': (world) => {
    const disk = world.random.pick(ofVolumes(world));
    const other = world.random.pick(visible(world).filter((one) => one !== disk));
    if (disk === undefined || other === undefined || world.kind === 'bare') return null;
    disk.link = disk.link === null ? `/dev/${other.name}` : null;
    return { what: `the link of ${disk.name} leads to ${disk.link ?? 'itself'}` };
  },
};

/** How often each is drawn. */
export const draw: readonly string[] = Object.entries({
  attach: 6,
  appear: 8,
  detach: 3,
  vanish: 1,
  'take over': 2,
  swap: 2,
  boot: 2,
  resize: 1,
  'by hand': 1,
  'of another owner': 1,
  'twin by hand': 1,
  'same serial': 1,
  'link astray': 1,
}).flatMap(([name, times]) => Array.from({ length: times }, () => name));
