import type { Finding } from '../../../shared/contract/exports.ts';
import type { Volume } from '../../../shared/contract/volumes.ts';
import { isStill, matchBySerial, serialOf } from '../../correlation/match.ts';
import type { BlockDevice, HostSnapshot, Mapping } from '../../domain/device.ts';
import type { CloudVolume } from '../../ports/cloud.ts';
import { type Owner, ownerOf } from './ownership.ts';

/** What the three of them say at one moment. */
export type Truths = {
  readonly installId: string;
  readonly omaVmId: string;
  /** Every volume CloudStack lists on the appliance. */
  readonly attached: readonly CloudVolume[];
  /** The volumes of our records that are not deleted, each as CloudStack lists it now; null when it does not. */
  readonly recorded: readonly { readonly volume: Volume; readonly inCloud: CloudVolume | null }[];
  readonly mappings: readonly Mapping[];
  readonly snapshot: HostSnapshot;
};

export type Comparison = {
  /** Mappings that hold no longer. */
  readonly expired: readonly { readonly mapping: Mapping; readonly because: string }[];
  /** Volumes on the appliance that a device proves and no mapping says. */
  readonly provable: readonly CloudVolume[];
  readonly findings: readonly Finding[];
};

/** Pure: what is to be done about a difference is proposed, never done here. */
export function compareTruths(truths: Truths): Comparison {
  const { snapshot, mappings, attached } = truths;
  const expired = mappings.flatMap((mapping) => {
    const because = whyExpired(mapping, truths);
    return because === null ? [] : [{ mapping, because }];
  });
  const gone = new Set(expired.map(({ mapping }) => mapping.id));
  const holding = mappings.filter(({ id }) => !gone.has(id));
  const data = attached.filter(({ type }) => type === 'DATADISK');
  const unmapped = data.filter(({ id }) => holding.every(({ volumeId }) => volumeId !== id));
  const own = unmapped.filter((volume) => isOurs(volume, truths));
  const provable = own.filter((volume) => verdictOf(volume, snapshot) === 'proved');
  const known = new Set([...holding.map(({ device }) => device.path), ...devicesOf(provable, snapshot)]);
  return {
    expired,
    provable,
    findings: [
      ...own.filter((volume) => !provable.includes(volume)).map((volume) => unproved(volume, truths)),
      ...unmapped.filter((volume) => !own.includes(volume)).map((volume) => foreign(volume, truths)),
      ...truths.recorded.flatMap((row) => drift(row, truths)),
      ...snapshot.devices.filter((device) => isStray(device, { known, data })).map(stray),
    ],
  };
}

function whyExpired(mapping: Mapping, { snapshot, attached }: Truths): string | null {
  if (mapping.bootId !== snapshot.bootId) return 'new boot';
  const now = snapshot.devices.find(({ name }) => name === mapping.device.name);
  if (now === undefined) return 'device gone';
  if (!isStill(mapping.device, now)) return 'device changed';
  return attached.some(({ id }) => id === mapping.volumeId) ? null : 'CloudStack says detached';
}

const isOurs = (volume: CloudVolume, { installId, recorded }: Truths): boolean =>
  ownerOf(volume, installId) === 'ours' || recorded.some((row) => row.volume.volume_id === volume.id);

const verdictOf = (volume: CloudVolume, snapshot: HostSnapshot) =>
  matchBySerial({ volumeId: volume.id, sizeBytes: volume.sizeBytes }, snapshot).kind;

const devicesOf = (volumes: readonly CloudVolume[], snapshot: HostSnapshot): string[] => {
  const serials = new Set(volumes.map(({ id }) => serialOf(id)));
  return snapshot.devices.filter(({ serial }) => serials.has(serial.toLowerCase())).map(({ path }) => path);
};

const attachRequest = (volumeId: string, vmId: string): Finding['proposed'] => ({
  method: 'POST',
  path: `/api/v1/volumes/${volumeId}/attach`,
  body: { vm_id: vmId },
});

function unproved(volume: CloudVolume, { snapshot, omaVmId }: Truths): Finding {
  const verdict = verdictOf(volume, snapshot);
  const isMissing = verdict === 'none';
  return {
    code: isMissing ? 'DEVICE_NOT_FOUND' : 'DEVICE_AMBIGUOUS',
    text: isMissing
      ? `CloudStack says that volume ${volume.name} is on the appliance; no device proves to be it.`
      : `More than one device, or one that is too small, could be volume ${volume.name}.`,
    volume_id: volume.id,
    device_path: null,
    // Attaching what is attached proves it, or detaches and attaches it anew where that is safe (rule D5).
    proposed: isMissing ? attachRequest(volume.id, omaVmId) : null,
  };
}

function foreign(volume: CloudVolume, { installId, omaVmId }: Truths): Finding {
  const owner: Owner = ownerOf(volume, installId);
  const nobodys = owner === 'nobody';
  return {
    code: 'VOLUME_NOT_OURS',
    text: nobodys
      ? `Volume ${volume.name} is on the appliance and was not made by this console. Attach it through the console to adopt it.`
      : `Volume ${volume.name} is on the appliance and belongs to another console.`,
    volume_id: volume.id,
    device_path: null,
    proposed: nobodys ? attachRequest(volume.id, omaVmId) : null,
  };
}

function drift({ volume, inCloud }: Truths['recorded'][number], { omaVmId }: Truths): Finding[] {
  const about = { volume_id: volume.volume_id, device_path: null };
  if (inCloud === null) {
    const text = `Volume ${volume.name} is in the records and CloudStack no longer lists it. It is not made again.`;
    return [{ ...about, code: 'VOLUME_VANISHED', text, proposed: null }];
  }
  const isElsewhere = inCloud.vmId !== null && inCloud.vmId !== omaVmId && volume.role === 'replica';
  if (isElsewhere) {
    const text = `Volume ${volume.name} is attached to VM ${inCloud.vmId}, which this console did not do.`;
    return [{ ...about, code: 'VOLUME_IN_USE', text, proposed: null }];
  }
  if (volume.status === 'attached' && inCloud.vmId === null) {
    const text = `Volume ${volume.name} was attached by this console and is attached to nothing now.`;
    return [{ ...about, code: 'VOLUME_DETACHED', text, proposed: attachRequest(volume.volume_id, omaVmId) }];
  }
  return [];
}

type Known = { readonly known: ReadonlySet<string>; readonly data: readonly CloudVolume[] };

/** A disk with a serial that no volume of the appliance explains: foreign, or left by a detach that ended late. */
const isStray = (device: BlockDevice, { known, data }: Known): boolean =>
  device.serial !== '' &&
  !known.has(device.path) &&
  data.every((volume) => serialOf(volume.id) !== device.serial.toLowerCase());

const stray = (device: BlockDevice): Finding => ({
  code: 'DEVICE_UNKNOWN',
  text: `${device.path} (serial ${device.serial}) is no volume that CloudStack lists on the appliance. It is left alone.`,
  volume_id: null,
  device_path: device.path,
  proposed: null,
});
