import { uuidFrom } from '../../random.ts';
import { datastores, dvSwitch, networks } from '../place.ts';
import { bool, type Fields, int, list, long, ref, type Struct, some, struct, text, word } from '../soap/value.ts';
import type { VmController, VmDisk, VmNic, VmPlan } from '../vm-plan.ts';
import { changeIdOf } from '../vm-state.ts';
import { diskNow, fileOf, stemOf, type Vm } from '../vms.ts';

/** What a snapshot froze of one disk, or null for the disk as it is. */
export type DiskView = { readonly delta: number; readonly sizeBytes: number; readonly changeId: string | null };

const described = (label: string, summary: string): Struct =>
  struct('Description', { label: text(label), summary: text(summary) });

/** Every VM has these; they are in the way of whoever looks only for disks. */
const everyMachine: readonly (readonly [type: string, key: number, label: string, more?: Fields])[] = [
  ['VirtualIDEController', 200, 'IDE 0', { busNumber: int(0) }],
  ['VirtualIDEController', 201, 'IDE 1', { busNumber: int(1) }],
  ['VirtualPS2Controller', 300, 'PS2 controller 0', { busNumber: int(0) }],
  ['VirtualPCIController', 100, 'PCI controller 0', { busNumber: int(0) }],
  ['VirtualSIOController', 400, 'SIO controller 0', { busNumber: int(0) }],
  ['VirtualKeyboard', 600, 'Keyboard', { controllerKey: int(300), unitNumber: int(0) }],
  ['VirtualPointingDevice', 700, 'Pointing device', { controllerKey: int(300), unitNumber: int(1) }],
  [
    'VirtualMachineVideoCard',
    500,
    'Video card',
    { controllerKey: int(100), unitNumber: int(0), videoRamSizeInKB: long(16_384) },
  ],
  ['VirtualMachineVMCIDevice', 12_000, 'VMCI device', { controllerKey: int(100), unitNumber: int(17) }],
];

/** The hardware of a VM, or of it at the time of a snapshot. */
export function devicesOf(vm: Vm, chain: ReadonlyMap<number, readonly DiskView[]>): Struct[] {
  const { plan } = vm;
  return some<Struct>([
    ...everyMachine.map(([type, key, label, more]) =>
      struct(type, { key: int(key), deviceInfo: described(label, label), ...more }),
    ),
    ...plan.controllers.map((controller) => controllerOf(plan, controller)),
    struct('VirtualCdrom', {
      key: int(3000),
      deviceInfo: described('CD/DVD drive 1', 'Remote device'),
      backing: struct('VirtualCdromRemotePassthroughBackingInfo', { deviceName: text(''), exclusive: bool(false) }),
      controllerKey: int(200),
      unitNumber: int(0),
    }),
    plan.tpm &&
      struct('VirtualTPM', { key: int(11_000), deviceInfo: described('Virtual TPM', 'Trusted Platform Module') }),
    ...plan.disks.map((disk, index) => diskOf(vm, { disk, index, views: chain.get(disk.key) ?? [] })),
    ...plan.nics.map(nicOf),
  ]);
}

const controllerOf = (plan: VmPlan, { key, type, bus, label, sharedBus }: VmController): Struct =>
  struct(type, {
    key: int(key),
    deviceInfo: described(label, label),
    controllerKey: int(100),
    unitNumber: int(3 + bus),
    busNumber: int(bus),
    device: list(
      'xsd:int',
      plan.disks.filter((disk) => disk.controllerKey === key).map((disk) => int(disk.key)),
    ),
    ...(type.includes('SCSI') || type.includes('Lsi')
      ? {
          hotAddRemove: bool(true),
          sharedBus: word('VirtualSCSISharing', sharedBus ?? 'noSharing'),
          scsiCtlrUnitNumber: int(7),
        }
      : {}),
  });

type Shown = { readonly disk: VmDisk; readonly index: number; readonly views: readonly DiskView[] };

function diskOf(vm: Vm, { disk, index, views }: Shown): Struct {
  const now = diskNow(vm, disk.key);
  const top = views[0] ?? { delta: now.delta, sizeBytes: now.sizeBytes, changeId: changeIdOf(now) };
  const kilobytes = Math.floor(top.sizeBytes / 1024);
  return struct('VirtualDisk', {
    key: int(disk.key),
    deviceInfo: described(`Hard disk ${index + 1}`, `${kilobytes.toLocaleString('en-US')} KB`),
    backing: backingOf(vm, disk, views.length === 0 ? [top] : views),
    controllerKey: int(disk.controllerKey),
    unitNumber: int(disk.unit),
    capacityInKB: long(kilobytes),
    capacityInBytes: long(top.sizeBytes),
    nativeUnmanagedLinkedClone: bool(false),
  });
}

/** The first view is the disk, those after it are what it stands on. */
function backingOf(vm: Vm, disk: VmDisk, [view, ...below]: readonly DiskView[]): Struct | undefined {
  if (view === undefined) return undefined;
  const { plan } = vm;
  const uuid = uuidFrom(`disk ${disk.content.from === 'seed' ? disk.content.name : `${plan.vmId} ${disk.key}`}`);
  const file = {
    fileName: text(`[${plan.datastore}] ${fileOf(stemOf(vm, disk), view.delta)}`),
    datastore: ref('Datastore', datastores[plan.datastore].id),
  };
  const changeId = view.changeId === null ? undefined : text(view.changeId);
  const identity = {
    uuid: text(`6000C29${uuid.slice(7)}`),
    contentId: text(uuid.replaceAll('-', '').slice(8).padStart(32, '0')),
  };
  const sharing = word('VirtualDiskSharing', disk.sharing);
  if (disk.rdm !== null) {
    return struct('VirtualDiskRawDiskMappingVer1BackingInfo', {
      ...file,
      lunUuid: text(`02000${disk.key}0060000970000197700${uuid.slice(0, 8)}`),
      deviceName: text(`vml.02000${disk.key}0060000970000197700${uuid.slice(0, 8)}`),
      compatibilityMode: text(disk.rdm),
      diskMode: text(disk.mode),
      ...identity,
      changeId,
      parent: backingOf(vm, disk, below),
      sharing,
    });
  }
  return struct('VirtualDiskFlatVer2BackingInfo', {
    ...file,
    diskMode: text(disk.mode),
    split: bool(false),
    writeThrough: bool(false),
    thinProvisioned: bool(disk.provisioning === 'thin'),
    eagerlyScrub: disk.provisioning === 'thin' ? undefined : bool(disk.provisioning === 'eager'),
    ...identity,
    changeId,
    parent: backingOf(vm, disk, below),
    digestEnabled: bool(false),
    sharing,
    keyId: disk.encrypted
      ? struct('CryptoKeyId', { keyId: text(uuid), providerId: struct('KeyProviderId', { id: text('lab-kms') }) })
      : undefined,
  });
}

function nicOf(nic: VmNic, index: number): Struct {
  const { id, type } = networks[nic.network];
  const backing =
    type === 'Network'
      ? struct('VirtualEthernetCardNetworkBackingInfo', { deviceName: text(nic.network), network: ref(type, id) })
      : struct('VirtualEthernetCardDistributedVirtualPortBackingInfo', {
          port: struct('DistributedVirtualSwitchPortConnection', {
            switchUuid: text(dvSwitch.uuid),
            portgroupKey: text(id),
            portKey: text(String(index + 10)),
          }),
        });
  const summary = type === 'Network' ? nic.network : `DVSwitch: ${dvSwitch.uuid}`;
  return struct(nic.type, {
    key: int(nic.key),
    deviceInfo: described(`Network adapter ${index + 1}`, summary),
    backing,
    connectable: struct('VirtualDeviceConnectInfo', {
      startConnected: bool(nic.connected),
      allowGuestControl: bool(true),
      connected: bool(nic.connected),
      status: text('ok'),
    }),
    controllerKey: int(100),
    unitNumber: int(7 + index),
    addressType: text('manual'),
    macAddress: text(nic.mac),
    wakeOnLanEnabled: bool(true),
  });
}
