import type { VmSpec } from '../../../domain/vm-spec.ts';
import { unescapeName } from '../inventory/names.ts';
import type { Wanted } from '../inventory/view.ts';
import { type Element, flagOf, longOf, refOf } from '../soap/element.ts';
import { disksIn, type RawDisk } from './disks.ts';
import { type GuestNic, guestNicsIn, nicsIn, type RawNic } from './nics.ts';
import { powerStateIn, snapshotsIn } from './snapshots.ts';

/** What a VM's properties say, before the names around it are known. Small, so that thousands can be kept. */
export type VmProperties = Omit<
  VmSpec,
  'moRef' | 'name' | 'folderPath' | 'datacenter' | 'datacenterPath' | 'host' | 'disks' | 'nics' | 'tools'
> & {
  readonly name: string | null;
  readonly parentMoRef: string | null;
  readonly appMoRef: string | null;
  readonly toolsRunning: boolean;
  readonly toolsVersionStatus: string | null;
  readonly disks: readonly RawDisk[];
  readonly nics: readonly RawNic[];
  readonly guestNics: readonly GuestNic[];
};

const unknownVm: VmProperties = {
  instanceUuid: null,
  biosUuid: null,
  name: null,
  parentMoRef: null,
  appMoRef: null,
  hostMoRef: null,
  cpuCount: null,
  memoryMib: null,
  firmware: null,
  secureBoot: null,
  tpm: false,
  guestId: null,
  guestName: null,
  guestHostName: null,
  powerState: null,
  connectionState: null,
  toolsRunning: false,
  toolsVersionStatus: null,
  annotation: null,
  snapshots: [],
  changeTracking: null,
  changeVersion: null,
  consolidationNeeded: null,
  isTemplate: false,
  hardwareVersion: null,
  disks: [],
  nics: [],
  guestNics: [],
};

type Reader = (value: Element) => Partial<VmProperties>;

const text = (value: Element): string | null => (value.text === '' ? null : value.text);
/** Values come alone, so they are read as if they were the only member. */
const inside = (value: Element): Element => ({ name: '', type: null, refType: null, children: [value], text: '' });
const flag = (value: Element): boolean | null => flagOf(inside(value), value.name);
const long = (value: Element): number | null => longOf(inside(value), value.name);

/** The one table: what is asked for, and how each answer is read. */
const readers: Readonly<Record<string, Reader>> = {
  name: (value) => ({ name: unescapeName(value.text) }),
  parent: (value) => ({ parentMoRef: refOf(value).value }),
  parentVApp: (value) => ({ appMoRef: refOf(value).value }),
  snapshot: (value) => ({ snapshots: snapshotsIn(value) }),
  'config.annotation': (value) => ({ annotation: text(value) }),
  'config.bootOptions': (value) => ({ secureBoot: flagOf(value, 'efiSecureBootEnabled') }),
  'config.changeTrackingEnabled': (value) => ({ changeTracking: flag(value) }),
  'config.changeVersion': (value) => ({ changeVersion: text(value) }),
  'config.firmware': (value) => ({ firmware: value.text === 'efi' || value.text === 'bios' ? value.text : null }),
  'config.guestFullName': (value) => ({ guestName: text(value) }),
  'config.guestId': (value) => ({ guestId: text(value) }),
  'config.hardware.device': (value) => ({
    disks: disksIn(value),
    nics: nicsIn(value),
    tpm: value.children.some((device) => device.type === 'VirtualTPM'),
  }),
  'config.hardware.memoryMB': (value) => ({ memoryMib: long(value) }),
  'config.hardware.numCPU': (value) => ({ cpuCount: long(value) }),
  'config.instanceUuid': (value) => ({ instanceUuid: text(value) }),
  'config.template': (value) => ({ isTemplate: flag(value) === true }),
  'config.uuid': (value) => ({ biosUuid: text(value) }),
  'config.version': (value) => ({ hardwareVersion: text(value) }),
  'guest.hostName': (value) => ({ guestHostName: text(value) }),
  'guest.net': (value) => ({ guestNics: guestNicsIn(value) }),
  'guest.toolsRunningStatus': (value) => ({ toolsRunning: value.text === 'guestToolsRunning' }),
  'guest.toolsVersionStatus2': (value) => ({ toolsVersionStatus: text(value) }),
  'runtime.connectionState': (value) => ({ connectionState: text(value) }),
  'runtime.consolidationNeeded': (value) => ({ consolidationNeeded: flag(value) }),
  'runtime.host': (value) => ({ hostMoRef: refOf(value).value }),
  'runtime.powerState': (value) => ({ powerState: powerStateIn(value.text) }),
};

export const vmWanted: Wanted = { type: 'VirtualMachine', paths: Object.keys(readers) };

/** What each property said, so that one that changes or goes replaces only its own part. */
export type VmParts = Map<string, Partial<VmProperties>>;

export function setPart(parts: VmParts, path: string, value: Element | null): void {
  const read = readers[path];
  if (read === undefined || value === null) parts.delete(path);
  else parts.set(path, read(value));
}

export function partsOf(properties: Iterable<readonly [string, Element]>): VmParts {
  const parts: VmParts = new Map();
  for (const [path, value] of properties) setPart(parts, path, value);
  return parts;
}

export const together = (parts: VmParts): VmProperties =>
  [...parts.values()].reduce<VmProperties>((all, part) => ({ ...all, ...part }), unknownVm);
