import { AppError } from '../../shared/errors.ts';
import { isStill, matchByAppearance, matchBySerial, type Verdict, type Wanted } from '../correlation/match.ts';
import type { BlockDevice, Evidence, HostSnapshot, Mapping } from '../domain/device.ts';
import type { Clock } from '../ports/clock.ts';
import type { HostAccess } from '../ports/host-access.ts';
import type { Ids } from '../ports/ids.ts';
import type { MappingRows } from '../ports/rows.ts';
import type { Signalled } from '../ports/signalled.ts';
import type { Store } from '../ports/store.ts';

/** How long a device that CloudStack reports as attached may take to appear. */
const appearanceMs = 120_000;

export type DeviceTruth = {
  /**
   * The device of this volume, proved now. The open mapping if it still holds; a new observation after a new boot or
   * where there was none. Throws DEVICE_NOT_FOUND, DEVICE_AMBIGUOUS, DEVICE_CHANGED.
   * `before`: what was there before the one attach in flight, for hosts without serials.
   */
  prove(wanted: Wanted, options: Signalled & { readonly before?: HostSnapshot }): Promise<Mapping>;
  /** Resolves once no device of the host carries this mapping's disk. */
  gone(mapping: Mapping, options: Signalled): Promise<void>;
};

type Parts = {
  readonly host: HostAccess;
  readonly mappings: MappingRows;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly site: () => { readonly omaVmId: string };
};

export function createDeviceTruth(parts: Parts): DeviceTruth {
  const { host, mappings, store, clock } = parts;

  const endOpen = (mapping: Mapping, because: string): Promise<void> =>
    store.write((tx) => mappings.end(tx, mapping.id, because));

  /** The open mapping of this boot, if there is one. */
  const openNow = async (wanted: Wanted, snapshot: HostSnapshot): Promise<Mapping | null> => {
    const open = await mappings.openOf(wanted.volumeId);
    if (open === null || open.bootId === snapshot.bootId) return open;
    await store.write((tx) => mappings.endAllOfOtherBoots(tx, host.hostId, snapshot.bootId));
    return null;
  };

  /** A mapping of this boot either still holds to the letter, or it is over: a silent move is how disks get crossed. */
  const holdOn = async (open: Mapping, snapshot: HostSnapshot): Promise<Mapping> => {
    const now = snapshot.devices.find((device) => device.name === open.device.name);
    if (now !== undefined && isStill(open.device, now)) return open;
    await endOpen(open, now === undefined ? 'device gone' : 'device changed');
    throw new AppError('DEVICE_CHANGED', describeChange(open, now), {
      volume_id: open.volumeId,
      was: open.device,
      is: now ?? null,
    });
  };

  const observe = async (
    wanted: Wanted,
    snapshot: HostSnapshot,
    found: { device: BlockDevice; evidence: Evidence },
  ): Promise<Mapping> => {
    const { holders: _holders, ...device } = found.device;
    const mapping: Mapping = {
      id: parts.ids.next(),
      volumeId: wanted.volumeId,
      hostId: host.hostId,
      vmId: parts.site().omaVmId,
      device,
      bootId: snapshot.bootId,
      evidence: found.evidence,
      observedAt: clock.now(),
      endedAt: null,
      endedBecause: null,
    };
    await refuseClaimed(mapping);
    await store.write((tx) => mappings.insert(tx, mapping));
    return mapping;
  };

  /** Two volumes never claim one device. */
  const refuseClaimed = async (mapping: Mapping): Promise<void> => {
    const claims = await mappings.openOn(host.hostId);
    const other = claims.find(
      (claim) => claim.device.path === mapping.device.path || claim.device.dev === mapping.device.dev,
    );
    if (other === undefined) return;
    throw new AppError('DEVICE_AMBIGUOUS', `${mapping.device.path} is already proved to be volume ${other.volumeId}.`, {
      volume_id: mapping.volumeId,
      claimed_by: other.volumeId,
    });
  };

  return {
    prove: async (wanted, { signal, before }) => {
      const deadline = clock.monotonicMs() + appearanceMs;
      for (;;) {
        const changed = host.changed({ signal });
        changed.catch(() => undefined);
        const snapshot = await host.snapshot({ signal });
        const open = await openNow(wanted, snapshot);
        if (open !== null) return await holdOn(open, snapshot);
        const bySerial = matchBySerial(wanted, snapshot);
        const verdict =
          bySerial.kind === 'none' && before !== undefined ? matchByAppearance(wanted, before, snapshot) : bySerial;
        if (verdict.kind === 'proved') return await observe(wanted, snapshot, verdict);
        refuse(wanted, verdict);
        if (clock.monotonicMs() > deadline) throw notFound(wanted, snapshot);
        await changed;
      }
    },
    gone: async (mapping, { signal }) => {
      const deadline = clock.monotonicMs() + appearanceMs;
      for (;;) {
        const changed = host.changed({ signal });
        changed.catch(() => undefined);
        const snapshot = await host.snapshot({ signal });
        const still =
          snapshot.bootId === mapping.bootId && snapshot.devices.some((device) => isStill(mapping.device, device));
        if (!still) return;
        if (clock.monotonicMs() > deadline) {
          throw new AppError('DETACH_FAILED', `${mapping.device.path} is still there two minutes after the detach.`);
        }
        await changed;
      }
    },
  };
}

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
