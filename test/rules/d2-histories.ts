import { isStill, type Knowledge, matchVolume, type Verdict, type Wanted } from '../../main/correlation/match.ts';
import type { BlockDevice, HostSnapshot } from '../../main/domain/device.ts';
import { draw, events, type Happening } from './d2-events.ts';
import { randomFrom } from './d2-random.ts';
import { type Disk, newWorld, serialFor, snapshotOf, type Volume, type World } from './d2-world.ts';

const eventsPerHistory = 12;

type Known = { readonly device: BlockDevice; readonly bootId: string };

/** What is tried: ours, or one that is wrong on purpose. */
export type Matcher = {
  /** `before` is also given where disks have serials, for a matcher that uses what it must not. */
  readonly match: (wanted: Wanted, knowledge: Knowledge, before: HostSnapshot | null) => Verdict;
  /** The device of a mapping, if it is still true of this snapshot. */
  readonly holds: (known: Known, now: HostSnapshot) => BlockDevice | undefined;
};

export const ours: Matcher = {
  match: matchVolume,
  holds: (known, now) =>
    known.bootId === now.bootId ? now.devices.find((device) => isStill(known.device, device)) : undefined,
};

export type Outcome = {
  readonly histories: number;
  readonly proved: number;
  readonly confirmed: number;
  readonly happened: ReadonlyMap<string, number>;
  /** The first history in which the matcher was wrong, or said nothing although a proof was there; null if none. */
  readonly fault: string | null;
};

type Tally = { proved: number; confirmed: number; readonly happened: Map<string, number> };

/** History i has the seed `seed + i`, so that a fault is the first history of its own seed. */
export function runHistories(options: {
  readonly seed: number;
  readonly count: number;
  readonly matcher?: Matcher;
}): Outcome {
  const { seed, count, matcher = ours } = options;
  const tally: Tally = { proved: 0, confirmed: 0, happened: new Map() };
  for (let index = 0; index < count; index += 1) {
    const fault = runHistory(seed + index, matcher, tally);
    if (fault !== null) return { ...tally, histories: index + 1, fault };
  }
  return { ...tally, histories: count, fault: null };
}

function runHistory(seed: number, matcher: Matcher, tally: Tally): string | null {
  const world = newWorld(randomFrom(seed));
  const daemon = newDaemon(world, matcher, tally);
  const told: string[] = [];
  for (let event = 0; event < eventsPerHistory; event += 1) {
    const before = look(world);
    const happening = happen(world, tally);
    told.push(happening.what);
    daemon.hear(happening, before);
    const fault = daemon.ask();
    if (fault === null) continue;
    const story = told.map((what, index) => `  ${index + 1}. ${what}`).join('\n');
    return `${fault} (replay: OSSEA_SEED=${seed}, a host with ${world.kind === 'kvm' ? 'serials' : 'no serials'})\n${story}`;
  }
  return null;
}

function happen(world: World, { happened }: Tally): Happening {
  for (;;) {
    const name = world.random.pick(draw) ?? 'attach';
    const happening = events[name]?.(world) ?? null;
    if (happening === null) continue;
    happened.set(name, (happened.get(name) ?? 0) + 1);
    return happening;
  }
}

/** A snapshot, and by the truth what is in it: sequence number of the disk -> its bytes. */
type Look = { readonly snapshot: HostSnapshot; readonly there: ReadonlyMap<number, number> };

const look = (world: World): Look => ({
  snapshot: snapshotOf(world),
  there: new Map(world.disks.filter(({ isVisible }) => isVisible).map((disk) => [disk.sequence, disk.sizeBytes])),
});

/** Knows what a daemon knows, asks after every event for every volume that the cloud says is attached. */
function newDaemon(world: World, matcher: Matcher, tally: Tally) {
  const mappings = new Map<Volume, Known>();
  const befores = new Map<Volume, Look>();
  /** Taken back in this boot before they were proved: their disks may still be here. */
  let strays = new Set<Volume>();
  let { bootId } = world;

  const others = (volume: Volume, now: HostSnapshot): Knowledge['others'] =>
    world.volumes
      .filter((other) => other !== volume)
      .map((other) => {
        const known = mappings.get(other);
        const device = (known && matcher.holds(known, now)) ?? null;
        return { volumeId: other.id, device, mayAppear: device === null && (other.attached || strays.has(other)) };
      });

  const askFor = (volume: Volume, now: HostSnapshot): string | null => {
    const known = mappings.get(volume);
    if (known !== undefined) {
      const still = matcher.holds(known, now);
      if (still === undefined) mappings.delete(volume);
      else tally.confirmed += 1;
      return still === undefined || diskNamed(world, still.name)?.volume === volume
        ? null
        : `WRONG: the mapping of ${volume.id} still holds for ${still.name}`;
    }
    const before = befores.get(volume);
    const wanted = { volumeId: volume.id, sizeBytes: volume.sizeBytes };
    const hidden = before?.snapshot ?? null;
    const knowledge = { now, before: world.kind === 'bare' ? hidden : null, others: others(volume, now) };
    const verdict = matcher.match(wanted, knowledge, hidden);
    if (verdict.kind !== 'proved') {
      const device = provable({ world, volume, before, others: knowledge.others });
      return device === null ? null : `MISSED: ${device.name} is ${volume.id}, the verdict is ${verdict.kind}`;
    }
    tally.proved += 1;
    mappings.set(volume, { device: verdict.device, bootId: now.bootId });
    befores.delete(volume);
    return wrongness(diskNamed(world, verdict.device.name), volume);
  };

  return {
    hear: ({ attached, detached }: Happening, before: Look): void => {
      // Sequence numbers begin anew with a boot: what was there in another boot says nothing.
      if (attached !== undefined) befores.set(attached, before);
      if (world.bootId !== bootId) strays = new Set();
      bootId = world.bootId;
      if (detached === undefined) return;
      if (!mappings.has(detached)) strays.add(detached);
      mappings.delete(detached);
      befores.delete(detached);
    },
    ask: (): string | null => {
      const now = snapshotOf(world);
      for (const volume of world.volumes) {
        const fault = volume.attached && volume.isOurs ? askFor(volume, now) : null;
        if (fault !== null) return fault;
      }
      return null;
    },
  };
}

const diskNamed = ({ disks }: World, name: string): Disk | undefined =>
  disks.find((disk) => disk.isVisible && disk.name === name);

function wrongness(disk: Disk | undefined, volume: Volume): string | null {
  if (disk?.volume !== volume) return `WRONG: ${String(disk?.name)} is proved to be ${volume.id}, and is not`;
  if (disk.sizeBytes < volume.sizeBytes) return `WRONG: ${disk.name} is proved although it is too small`;
  return disk.link === null ? null : `WRONG: ${disk.name} is proved although its link leads to ${disk.link}`;
}

/** By the truth and rule D2: the disk that can and must be proved, if there is one. */
function provable(facts: {
  readonly world: World;
  readonly volume: Volume;
  readonly before: Look | undefined;
  readonly others: Knowledge['others'];
}): Disk | null {
  const { world, volume, before } = facts;
  const there = world.disks.filter(({ isVisible }) => isVisible);
  if (world.kind === 'kvm') {
    const serial = serialFor(world, volume);
    const [disk, ...more] = there.filter((one) => one.serial === serial);
    const isShared = world.volumes.some((other) => other !== volume && serialFor(world, other) === serial);
    const isFit = disk?.volume === volume && disk.sizeBytes >= volume.sizeBytes && disk.link === null;
    return isFit && more.length === 0 && !isShared ? disk : null;
  }
  if (before?.snapshot.bootId !== world.bootId || facts.others.some(({ mayAppear }) => mayAppear)) return null;
  const [disk, ...more] = there.filter(({ sequence }) => !before.there.has(sequence));
  const present = new Set(there.map(({ sequence }) => sequence));
  const isOneGone = [...before.there].some(([sequence, bytes]) => bytes === volume.sizeBytes && !present.has(sequence));
  const isFit = disk?.volume === volume && disk.sizeBytes === volume.sizeBytes && !isOneGone;
  return isFit && more.length === 0 ? disk : null;
}
