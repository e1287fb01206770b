import { AppError } from '../../shared/errors.ts';
import {
  isStill,
  matchByAppearance,
  matchVolume,
  type OtherVolume,
  type Verdict,
  type Wanted,
} from '../correlation/match.ts';
import type { BlockDevice, Evidence, HostSnapshot, Mapping } from '../domain/device.ts';
import type { Clock } from '../ports/clock.ts';
import type { HostAccess } from '../ports/host-access.ts';
import type { Ids } from '../ports/ids.ts';
import type { MappingRows } from '../ports/rows.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { Store } from '../ports/store.ts';

/** How long a device that CloudStack reports as attached may take to appear. */
const usualAppearanceMs = 120_000;

export type DeviceTruth = {
  /**
   * The device of this volume, proved now. The open mapping if it still holds; a new observation after a new boot or
   * where there was none. Throws DEVICE_NOT_FOUND, DEVICE_AMBIGUOUS, DEVICE_CHANGED.
   * `before`: what was there before the one attach in flight, for hosts without serials.
   */
  prove(wanted: Wanted, options: Signalled & { readonly before?: HostSnapshot }): Promise<Mapping>;
  /**
   * The device of a volume that CloudStack says is attached, at one look: an open mapping that holds, or a new one by
   * its serial; null when nothing proves it. Throws DEVICE_AMBIGUOUS.
   */
  adopt(wanted: Wanted, options: Signalled): Promise<Mapping | null>;
  /** The open mapping if the host shows the same device now; one that no longer holds ends here. */
  verified(volumeId: string, options: Signalled): Promise<Mapping | null>;
  /** The open mapping of this boot, unproved now; those of other boots end here. */
  current(volumeId: string, options: Signalled): Promise<Mapping | null>;
  /** Resolves once no device of the host carries this mapping's disk, under whatever name. */
  gone(mapping: Mapping, options: Signalled): Promise<void>;
};

type Parts = {
  readonly host: HostAccess;
  readonly mappings: MappingRows;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly site: () => { readonly omaVmId: string };
  /** Every other volume that is known. `appearance`: also whether its disk may appear, for hosts without serials. */
  readonly others: (
    volumeId: string,
    options: Signalled & { readonly appearance: boolean },
  ) => Promise<readonly OtherVolume[]>;
  readonly appearanceMs?: number;
};

export function createDeviceTruth(parts: Parts): DeviceTruth {
  return {
    prove: (wanted, { signal, before }) =>
      watch(parts, signal, async (snapshot) => {
        const open = await openNow(parts, wanted.volumeId, snapshot);
        if (open !== null) return await holdOn(parts, open, snapshot);
        const verdict = await verdictOn(parts, wanted, { snapshot, before: before ?? null, signal });
        if (verdict.kind === 'proved') return await observe(parts, wanted, { snapshot, ...verdict });
        refuse(wanted, verdict);
        if (before === undefined) await refuseForgotten(parts, wanted, snapshot);
        return notFound(wanted, snapshot);
      }),
    adopt: async (wanted, options) => {
      const snapshot = await parts.host.snapshot(options);
      const open = await verifiedIn(parts, wanted.volumeId, snapshot);
      if (open !== null) return open;
      const verdict = await verdictOn(parts, wanted, { snapshot, before: null, ...options });
      refuse(wanted, verdict);
      return verdict.kind === 'proved' ? await observe(parts, wanted, { snapshot, ...verdict }) : null;
    },
    verified: async (volumeId, options) => await verifiedIn(parts, volumeId, await parts.host.snapshot(options)),
    current: async (volumeId, options) => await openNow(parts, volumeId, await parts.host.snapshot(options)),
    gone: async (mapping, { signal }) => {
      await watch(parts, signal, (snapshot) => {
        const isThere = snapshot.devices.some((device) => carries(device, mapping));
        const still = snapshot.bootId === mapping.bootId && isThere;
        return Promise.resolve(still ? stillThere(mapping) : null);
      });
    },
  };
}

/**
 * Looks at every change until `look` gives something other than an error to end with, for two minutes. A tree that
 * cannot be read is one that is just changing: the appliance boots.
 */
async function watch<T>(
  { host, clock, appearanceMs = usualAppearanceMs }: Parts,
  signal: AbortSignal,
  look: (snapshot: HostSnapshot) => Promise<T | AppError>,
): Promise<T> {
  const deadline = clock.monotonicMs() + appearanceMs;
  for (;;) {
    // Asked for before the look, so that a change between the two is not missed.
    const changed = host.changed({ signal });
    changed.catch(() => undefined);
    const found = await snapshotOf(host, signal).then((seen) => (seen instanceof AppError ? seen : look(seen)));
    if (!(found instanceof AppError)) return found;
    if (clock.monotonicMs() > deadline) throw found;
    await changed;
  }
}

async function snapshotOf(host: HostAccess, signal: AbortSignal): Promise<HostSnapshot | AppError> {
  try {
    return await host.snapshot({ signal });
  } catch (error) {
    if (error instanceof AppError && error.code === 'HOST_UNREADABLE') return error;
    throw error;
  }
}

/** The open mapping of this boot, if there is one. */
async function openNow(
  { mappings, store, host }: Parts,
  volumeId: string,
  snapshot: HostSnapshot,
): Promise<Mapping | null> {
  const claims = await mappings.openOn(host.hostId);
  // Also those of other volumes: what a device was in another boot is no claim on it in this one.
  if (claims.some((claim) => claim.bootId !== snapshot.bootId))
    await store.write((tx) => mappings.endAllOfOtherBoots(tx, host.hostId, snapshot.bootId));
  return claims.find((claim) => claim.volumeId === volumeId && claim.bootId === snapshot.bootId) ?? null;
}

type Look = Signalled & { readonly snapshot: HostSnapshot; readonly before: HostSnapshot | null };

async function verdictOn(parts: Parts, wanted: Wanted, { snapshot, before, signal }: Look): Promise<Verdict> {
  const others = await parts.others(wanted.volumeId, { signal, appearance: false });
  const verdict = matchVolume(wanted, { now: snapshot, before: null, others });
  if (verdict.kind !== 'none' || before === null) return verdict;
  // CloudStack is asked who else may appear only where a newcomer could be told at all.
  if (matchByAppearance(wanted, before, snapshot).kind === 'none') return verdict;
  const arriving = await parts.others(wanted.volumeId, { signal, appearance: true });
  return matchVolume(wanted, { now: snapshot, before, others: arriving });
}

async function verifiedIn(parts: Parts, volumeId: string, snapshot: HostSnapshot): Promise<Mapping | null> {
  const open = await openNow(parts, volumeId, snapshot);
  if (open === null) return null;
  const change = await endIfChanged(parts, open, snapshot);
  return change === null ? open : null;
}

/** A mapping of this boot either still holds to the letter, or it is over: a silent move is how disks get crossed. */
async function holdOn(parts: Parts, open: Mapping, snapshot: HostSnapshot): Promise<Mapping> {
  const change = await endIfChanged(parts, open, snapshot);
  if (change === null) return open;
  throw change;
}

/** Null while the mapping holds; otherwise it has ended, and this is why. */
async function endIfChanged(
  { mappings, store }: Parts,
  open: Mapping,
  snapshot: HostSnapshot,
): Promise<AppError | null> {
  const now = snapshot.devices.find((device) => device.name === open.device.name);
  if (now !== undefined && isStill(open.device, now)) return null;
  await store.write((tx) => mappings.end(tx, open.id, now === undefined ? 'device gone' : 'device changed'));
  const details = { volume_id: open.volumeId, was: open.device, is: now ?? null };
  return new AppError('DEVICE_CHANGED', describeChange(open, now), details);
}

type Found = { readonly snapshot: HostSnapshot; readonly device: BlockDevice; readonly evidence: Evidence };

async function observe(parts: Parts, wanted: Wanted, { snapshot, device, evidence }: Found): Promise<Mapping> {
  const { holders: _holders, ...identity } = device;
  const mapping: Mapping = {
    id: parts.ids.next(),
    volumeId: wanted.volumeId,
    hostId: parts.host.hostId,
    vmId: parts.site().omaVmId,
    device: identity,
    bootId: snapshot.bootId,
    evidence,
    observedAt: parts.clock.now(),
    endedAt: null,
    endedBecause: null,
  };
  const overtaken = await overtakenBy(parts, mapping, snapshot);
  await parts.store.write(async (tx) => {
    for (const claim of overtaken) await parts.mappings.end(tx, claim.id, 'another volume is there');
    await parts.mappings.insert(tx, mapping);
  });
  return mapping;
}

/**
 * The open mappings that this look at the host contradicts and that stand in the way of the new one. They may belong to
 * volumes whose work is done and that look no more: two disks that exchanged names would block each other for good.
 * A claim that still holds is no such thing: two volumes never claim one device.
 */
async function overtakenBy({ mappings }: Parts, found: Mapping, { devices }: HostSnapshot): Promise<Mapping[]> {
  const { hostId, volumeId, device } = found;
  const claims = (await mappings.openOn(hostId)).filter(
    (claim) => claim.device.path === device.path || claim.device.dev === device.dev,
  );
  const holding = claims.find((claim) => devices.some((now) => isStill(claim.device, now)));
  if (holding === undefined) return claims;
  throw new AppError('DEVICE_AMBIGUOUS', `${device.path} is already proved to be volume ${holding.volumeId}.`, {
    volume_id: volumeId,
    claimed_by: holding.volumeId,
  });
}

/** Without serials only the newcomer can be told (rule D2): after a new boot no wait brings the proof back. */
async function refuseForgotten({ mappings }: Parts, wanted: Wanted, snapshot: HostSnapshot): Promise<void> {
  const last = await mappings.lastOf(wanted.volumeId);
  if (last === null || last.evidence.kind === 'serial' || last.bootId === snapshot.bootId) return;
  throw new AppError(
    'DEVICE_NOT_FOUND',
    `${last.device.path} was volume ${wanted.volumeId} until the appliance was restarted, and its disks carry no serial.`,
    { volume_id: wanted.volumeId, was: last.device, boot_id: snapshot.bootId },
  );
}

const carries = (device: BlockDevice, { device: known, evidence }: Mapping): boolean =>
  evidence.kind === 'serial' ? device.serial === known.serial : isStill(known, device);

const stillThere = (mapping: Mapping): AppError =>
  new AppError('DETACH_FAILED', `${mapping.device.path} is still there two minutes after the detach.`);

function refuse(wanted: Wanted, verdict: Verdict): void {
  if (verdict.kind === 'ambiguous') {
    const names = verdict.candidates.map((device) => device.path).join(', ');
    throw new AppError('DEVICE_AMBIGUOUS', `Candidates for volume ${wanted.volumeId}: ${names}.`, {
      candidates: verdict.candidates,
    });
  }
  if (verdict.kind === 'too-small') {
    throw new AppError(
      'DEVICE_AMBIGUOUS',
      `${verdict.device.path} has the serial of volume ${wanted.volumeId} but only ${String(verdict.device.sizeBytes)} of ${String(wanted.sizeBytes)} bytes.`,
      { candidates: [verdict.device] },
    );
  }
}

const notFound = (wanted: Wanted, snapshot: HostSnapshot): AppError =>
  new AppError('DEVICE_NOT_FOUND', `Volume ${wanted.volumeId} did not appear in boot ${snapshot.bootId}.`, {
    volume_id: wanted.volumeId,
    seen: snapshot.devices.map((device) => ({
      path: device.path,
      serial: device.serial,
      size_bytes: device.sizeBytes,
    })),
  });

function describeChange(open: Mapping, now: BlockDevice | undefined): string {
  if (now === undefined) return `${open.device.path} was volume ${open.volumeId} and is gone.`;
  return `${open.device.path} was volume ${open.volumeId} (${open.device.dev}, diskseq ${String(open.device.diskseq)}, serial ${open.device.serial}) and is now ${now.dev}, diskseq ${String(now.diskseq)}, serial ${now.serial}.`;
}
