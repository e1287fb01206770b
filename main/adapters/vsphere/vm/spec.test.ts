import { expect, test } from 'vitest';
import { envelope } from '../../../../test/fixtures/soap-server.ts';
import type { VmSpec } from '../../../domain/vm-spec.ts';
import { createNames } from '../inventory/names.ts';
import type { Element } from '../soap/element.ts';
import { readReply } from '../soap/read-reply.ts';
import { partsOf } from './properties.ts';
import { specOf } from './spec.ts';

async function element(xml: string): Promise<Element> {
  const reply = await readReply([Buffer.from(envelope(xml))] as never);
  if (reply.kind !== 'answer') throw new Error('a fault');
  return reply.element;
}

const property = (name: string, inside: string, attributes = ''): [string, string] => [
  name,
  `<val ${attributes}>${inside}</val>`,
];
const reference = (name: string, type: string, value: string): [string, string] =>
  property(name, value, `type="${type}" xsi:type="ManagedObjectReference"`);
const devices = (...all: string[]): [string, string] =>
  property('config.hardware.device', all.join(''), 'xsi:type="ArrayOfVirtualDevice"');

async function names() {
  const known = createNames('group-d1');
  const learn = async (type: string, value: string, properties: readonly [string, string][]): Promise<void> => {
    known.learn({ ref: { type, value }, properties: await parsed(properties) });
  };
  await learn('Folder', 'group-d9', [property('name', 'Sites'), reference('parent', 'Folder', 'group-d1')]);
  await learn('Datacenter', 'dc-2', [property('name', 'East%2fWest'), reference('parent', 'Folder', 'group-d9')]);
  await learn('Folder', 'group-v3', [property('name', 'vm'), reference('parent', 'Datacenter', 'dc-2')]);
  await learn('Folder', 'group-v4', [property('name', 'a%2fb 100%25'), reference('parent', 'Folder', 'group-v3')]);
  await learn('VirtualApp', 'app-1', [property('name', 'shop'), reference('parentFolder', 'Folder', 'group-v4')]);
  await learn('HostSystem', 'host-1', [property('name', 'esx1')]);
  await learn('Datastore', 'ds-1', [property('name', 'fast%5cdisks')]);
  await learn('DistributedVirtualPortgroup', 'dvpg-1', [property('name', 'VLAN 7'), property('key', 'key-7')]);
  await learn('OpaqueNetwork', 'on-1', [
    property('name', 'nsx'),
    property('summary', '<opaqueNetworkId>uuid-1</opaqueNetworkId>'),
  ]);
  return known;
}

async function parsed(properties: readonly [string, string][]): Promise<Map<string, Element>> {
  return new Map(await Promise.all(properties.map(async ([name, xml]) => [name, await element(xml)] as const)));
}

const spec = async (...properties: [string, string][]): Promise<VmSpec> =>
  specOf({ moRef: 'vm-1', parts: partsOf(await parsed(properties)) }, await names());

const device = (type: string, key: number, inside: string): string =>
  `<VirtualDevice xsi:type="${type}"><key>${key}</key>${inside}</VirtualDevice>`;
const disk = (key: number, backing: string, more: string): string =>
  device('VirtualDisk', key, `<deviceInfo><label>Hard disk</label></deviceInfo>${backing}${more}`);
const place = (controller: number, unit: number): string =>
  `<controllerKey>${controller}</controllerKey><unitNumber>${unit}</unitNumber>`;
const flat = (inside: string): string =>
  `<backing xsi:type="VirtualDiskFlatVer2BackingInfo"><fileName>[fast] vm/a.vmdk</fileName><datastore type="Datastore">ds-1</datastore>${inside}</backing>`;

test('nothing but its name is told: all else is unknown, and never guessed', async () => {
  expect(await spec(property('name', 'lost%2ffound'))).toEqual({
    moRef: 'vm-1',
    name: 'lost/found',
    instanceUuid: null,
    biosUuid: null,
    folderPath: null,
    datacenter: null,
    datacenterPath: null,
    host: null,
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
    tools: { running: false, versionStatus: null },
    annotation: null,
    snapshots: [],
    changeTracking: null,
    changeVersion: null,
    consolidationNeeded: null,
    isTemplate: false,
    hardwareVersion: null,
    disks: [],
    nics: [],
  });
});

test('a power state that nobody knows is refused', async () => {
  await expect(spec(property('runtime.powerState', 'hibernated'))).rejects.toMatchObject({
    code: 'VCENTER_REPLY_INVALID',
  });
});

test('the place: names with slashes and percent signs, a datacenter in a folder, a vApp', async () => {
  const place = {
    folderPath: '/Sites/East%2fWest/vm/a%2fb 100%25',
    datacenter: 'East/West',
    datacenterPath: 'Sites/East%2fWest',
  };
  expect(await spec(reference('parent', 'Folder', 'group-v4'))).toMatchObject(place);
  expect(await spec(reference('parentVApp', 'VirtualApp', 'app-1'))).toMatchObject({
    ...place,
    folderPath: `${place.folderPath}/shop`,
  });
  expect((await spec(reference('parent', 'Folder', 'group-hidden'))).folderPath).toBeNull();
});

test('firmware, secure boot and TPM', async () => {
  const found = await spec(
    property('config.firmware', 'efi'),
    property('config.bootOptions', '<efiSecureBootEnabled>true</efiSecureBootEnabled>'),
    devices(device('VirtualTPM', 11_000, '')),
  );
  expect(found).toMatchObject({ firmware: 'efi', secureBoot: true, tpm: true });
});

test('controllers of every bus give a disk its place', async () => {
  const controllers: readonly (readonly [string, number, string])[] = [
    ['VirtualIDEController', 200, 'IDE (1:2)'],
    ['ParaVirtualSCSIController', 1000, 'SCSI (1:2)'],
    ['VirtualLsiLogicSASController', 1001, 'SCSI (1:2)'],
    ['VirtualBusLogicController', 1002, 'SCSI (1:2)'],
    ['VirtualAHCIController', 15_000, 'SATA (1:2)'],
    ['VirtualNVMEController', 31_000, 'NVMe (1:2)'],
  ];
  const found = await spec(
    devices(
      ...controllers.flatMap(([type, key]) => [
        // A disk may come before its controller.
        disk(key + 50_000, flat(''), `${place(key, 2)}<capacityInBytes>512</capacityInBytes>`),
        device(type, key, '<busNumber>1</busNumber>'),
      ]),
      disk(99_999, flat(''), '<capacityInKB>1</capacityInKB>'),
    ),
  );
  expect(found.disks.map(({ controller, unit }) => [controller, unit])).toEqual([
    ...controllers.map(([type, , unit]) => [type, unit]),
    [null, null],
  ]);
});

test('capacity in bytes, else in whole kilobytes; one beyond 2 TiB; without any it is no disk to believe', async () => {
  const sizes = [
    '<capacityInKB>3</capacityInKB><capacityInBytes>2561</capacityInBytes>',
    '<capacityInKB>3</capacityInKB>',
    '<capacityInBytes>3298534883328</capacityInBytes>',
  ];
  const found = await spec(devices(...sizes.map((size, index) => disk(2000 + index, flat(''), size))));
  expect(found.disks.map(({ capacityBytes }) => capacityBytes)).toEqual([2561, 3072, 3 * 2 ** 40]);
  await expect(spec(devices(disk(2000, flat(''), '')))).rejects.toMatchObject({ code: 'VCENTER_REPLY_INVALID' });
});

test('backings: provisioning, raw device mappings, sharing, encryption, chains', async () => {
  const size = '<capacityInBytes>1024</capacityInBytes>';
  const raw = (mode: string): string =>
    `<backing xsi:type="VirtualDiskRawDiskMappingVer1BackingInfo"><fileName>[fast] vm/rdm.vmdk</fileName><compatibilityMode>${mode}</compatibilityMode></backing>`;
  const chain =
    '<thinProvisioned>true</thinProvisioned><parent><fileName>[fast] vm/a-1.vmdk</fileName><parent><fileName>[fast] vm/a.vmdk</fileName></parent></parent>';
  const found = await spec(
    devices(
      device('ParaVirtualSCSIController', 1000, '<busNumber>0</busNumber><sharedBus>physicalSharing</sharedBus>'),
      disk(
        2000,
        flat('<thinProvisioned>true</thinProvisioned><uuid>6000C29a</uuid><changeId>52 aa/3</changeId>'),
        size,
      ),
      disk(
        2001,
        flat(
          '<thinProvisioned>false</thinProvisioned><eagerlyScrub>true</eagerlyScrub><diskMode>independent_persistent</diskMode>',
        ),
        size,
      ),
      disk(2002, flat('<thinProvisioned>false</thinProvisioned><sharing>sharingMultiWriter</sharing>'), size),
      disk(2003, flat(chain), size),
      disk(2004, raw('physicalMode'), size),
      disk(2005, raw('virtualMode'), size),
      disk(2006, flat('<keyId><keyId>k</keyId></keyId>'), `${size}${place(1000, 0)}`),
      disk(
        2007,
        '<backing xsi:type="VirtualDiskSeSparseBackingInfo"><fileName>[fast] vm/s.vmdk</fileName></backing>',
        size,
      ),
    ),
  );
  expect(
    found.disks.map(({ provisioning, rdm, sharing, encrypted, parentPaths }) => [
      provisioning,
      rdm,
      sharing,
      encrypted,
      parentPaths.length,
    ]),
  ).toEqual([
    ['thin', null, 'none', false, 0],
    ['eager', null, 'none', false, 0],
    ['lazy', null, 'multi_writer', false, 0],
    ['thin', null, 'none', false, 2],
    [null, 'physical', 'none', false, 0],
    [null, 'virtual', 'none', false, 0],
    [null, null, 'physical_bus', true, 0],
    ['thin', null, 'none', false, 0],
  ]);
  expect(found.disks[0]).toMatchObject({ datastore: 'fast\\disks', uuid: '6000C29a', changeId: '52 aa/3' });
  expect(found.disks[1]?.mode).toBe('independent_persistent');
  expect(found.disks[3]?.parentPaths).toEqual(['[fast] vm/a-1.vmdk', '[fast] vm/a.vmdk']);
  expect(found.disks[4]?.datastore).toBe('fast');
});

test('networks by reference, by port group and by NSX id; addresses by device, else by MAC', async () => {
  const nic = (type: string, key: number, backing: string): string =>
    device(
      type,
      key,
      `<deviceInfo><label>NIC ${key}</label></deviceInfo><backing>${backing}</backing><connectable><connected>true</connected></connectable><macAddress>00:50:56:AA:00:0${key - 4000}</macAddress>`,
    );
  const found = await spec(
    devices(
      nic('VirtualVmxnet3', 4000, '<port><portgroupKey>key-7</portgroupKey></port>'),
      nic('VirtualE1000e', 4001, '<opaqueNetworkId>uuid-1</opaqueNetworkId>'),
      nic('VirtualE1000', 4002, '<deviceName>Old LAN</deviceName><network type="Network">network-hidden</network>'),
      nic('VirtualOfTheFuture', 4003, ''),
    ),
    property(
      'guest.net',
      '<GuestNicInfo><macAddress>00:50:56:aa:00:00</macAddress><ipAddress>10.0.0.1</ipAddress><ipAddress>fe80::1</ipAddress><deviceConfigId>4000</deviceConfigId></GuestNicInfo><GuestNicInfo><macAddress>00:50:56:aa:00:01</macAddress><ipAddress>10.0.0.2</ipAddress><deviceConfigId>-1</deviceConfigId></GuestNicInfo>',
      'xsi:type="ArrayOfGuestNicInfo"',
    ),
  );
  expect(
    found.nics.map(({ adapter, network, networkMoRef, guestAddresses }) => [
      adapter,
      network,
      networkMoRef,
      guestAddresses,
    ]),
  ).toEqual([
    ['vmxnet3', 'VLAN 7', 'dvpg-1', ['10.0.0.1', 'fe80::1']],
    ['e1000e', 'nsx', 'on-1', ['10.0.0.2']],
    ['e1000', 'Old LAN', 'network-hidden', []],
    [null, null, null, []],
  ]);
  expect(found.nics[0]).toMatchObject({ mac: '00:50:56:aa:00:00', label: 'NIC 4000', connected: true });
});

test('a tree of snapshots', async () => {
  const one = (id: number, inside = '', name = 'rootSnapshotList'): string =>
    `<${name}><snapshot type="VirtualMachineSnapshot">snapshot-${id}</snapshot><name>s%2f${id}</name><createTime>2026-11-24T15:07:36.722396208+01:00</createTime><state>poweredOn</state>${inside}</${name}>`;
  const found = await spec(
    property('snapshot', one(1, one(2, '', 'childSnapshotList') + one(3, '', 'childSnapshotList'))),
  );
  expect(found.snapshots).toMatchObject([
    {
      moRef: 'snapshot-1',
      name: 's/1',
      createdAt: '2026-11-24T14:07:36.722Z',
      state: 'on',
      children: [{ moRef: 'snapshot-2', children: [] }, { moRef: 'snapshot-3' }],
    },
  ]);
});
