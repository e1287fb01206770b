import type { VmDisk } from '../../../domain/vm-spec.ts';
import { at, type Element, filledTextOf, flagOf, longOf, refAt, required } from '../soap/element.ts';

/** As read; the datastore's name is found when all names are known. */
export type RawDisk = Omit<VmDisk, 'datastore'>;

const buses: readonly (readonly [RegExp, string])[] = [
  [/SCSI|LsiLogic|BusLogic/, 'SCSI'],
  [/AHCI|SATA/, 'SATA'],
  [/NVME/, 'NVMe'],
  [/IDE/, 'IDE'],
];

/** From the devices of a VM or of its snapshot. */
export function disksIn(devices: Element): RawDisk[] {
  const controllers = new Map<number, Element>();
  for (const device of devices.children) {
    const key = longOf(device, 'key');
    if (key !== null && at(device, 'busNumber') !== null) controllers.set(key, device);
  }
  return devices.children
    .filter((device) => device.type === 'VirtualDisk')
    .map((device) => diskIn(device, controllers.get(longOf(device, 'controllerKey') ?? -1) ?? null));
}

function diskIn(device: Element, controller: Element | null): RawDisk {
  const backing = at(device, 'backing');
  const key = required(longOf(device, 'key'), 'the key of a disk');
  return {
    key,
    label: filledTextOf(device, 'deviceInfo.label') ?? `disk ${key}`,
    unit: unitOf(device, controller),
    controller: controller?.type ?? null,
    capacityBytes: capacityOf(device),
    datastoreMoRef: refAt(device, 'backing.datastore')?.value ?? null,
    vmdkPath: filledTextOf(device, 'backing.fileName'),
    parentPaths: backing === null ? [] : parentsOf(backing),
    provisioning: backing === null ? null : provisioningOf(backing),
    mode: filledTextOf(device, 'backing.diskMode'),
    sharing: sharingOf(device, controller),
    rdm: rdmOf(device),
    encrypted: at(device, 'backing.keyId') !== null,
    uuid: filledTextOf(device, 'backing.uuid'),
    backing: backing?.type ?? null,
    changeId: filledTextOf(device, 'backing.changeId'),
  };
}

/** Servers before 5.5 and some others know only the kilobytes, which cut off what is no whole one. */
function capacityOf(device: Element): number {
  const bytes = longOf(device, 'capacityInBytes') ?? 0;
  if (bytes > 0) return bytes;
  return required(longOf(device, 'capacityInKB'), 'the capacity of a disk') * 1024;
}

function unitOf(device: Element, controller: Element | null): string | null {
  if (controller === null) return null;
  const bus = buses.find(([kind]) => kind.test(controller.type ?? ''))?.[1];
  const unit = longOf(device, 'unitNumber');
  return bus === undefined || unit === null ? null : `${bus} (${longOf(controller, 'busNumber') ?? 0}:${unit})`;
}

function parentsOf(backing: Element): string[] {
  const paths: string[] = [];
  for (let parent = at(backing, 'parent'); parent !== null; parent = at(parent, 'parent')) {
    paths.push(filledTextOf(parent, 'fileName') ?? '');
  }
  return paths;
}

function provisioningOf(backing: Element): VmDisk['provisioning'] {
  if (/RawDisk|PartitionedRaw/.test(backing.type ?? '')) return null;
  if (/SeSparse|Sparse/.test(backing.type ?? '')) return 'thin';
  const thin = flagOf(backing, 'thinProvisioned');
  if (thin === null) return flagOf(backing, 'eagerlyScrub') === true ? 'eager' : null;
  if (thin) return 'thin';
  return flagOf(backing, 'eagerlyScrub') === true ? 'eager' : 'lazy';
}

/** Two ways of one danger: another VM may write to the disk. */
function sharingOf(device: Element, controller: Element | null): VmDisk['sharing'] {
  if (filledTextOf(device, 'backing.sharing') === 'sharingMultiWriter') return 'multi_writer';
  const bus = controller === null ? null : filledTextOf(controller, 'sharedBus');
  if (bus === 'virtualSharing') return 'virtual_bus';
  return bus === 'physicalSharing' ? 'physical_bus' : 'none';
}

function rdmOf(device: Element): VmDisk['rdm'] {
  const backing = at(device, 'backing');
  if (backing === null || !/RawDisk|PartitionedRaw/.test(backing.type ?? '')) return null;
  return filledTextOf(backing, 'compatibilityMode') === 'virtualMode' ? 'virtual' : 'physical';
}
