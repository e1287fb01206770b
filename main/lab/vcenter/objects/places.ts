import {
  type DatastoreName,
  datacenter,
  datastores,
  dvSwitch,
  folders,
  type HostId,
  hosts,
  networks,
} from '../place.ts';
import {
  bool,
  type Fields,
  int,
  list,
  long,
  type Ref,
  ref,
  refs,
  some,
  struct,
  text,
  time,
  type Value,
  word,
} from '../soap/value.ts';
import type { Vm } from '../vms.ts';
import type { ManagedObject, Properties } from './managed-object.ts';
import { onHost, vmRef } from './vm.ts';

const root = ref('Folder', 'group-d1');
const dc = ref('Datacenter', datacenter.id);
const cluster = ref('ClusterComputeResource', 'domain-c7');
const pool = ref('ResourcePool', 'resgroup-8');
const folder = (id: string): Ref => ref('Folder', id);
const datastoreRefs = Object.values(datastores).map(({ id }) => ref('Datastore', id));
const networkRefs = Object.values(networks).map(({ type, id }) => ref(type, id));
const hostRefs = Object.keys(hosts).map((id) => ref('HostSystem', id));
const switchRef = ref('VmwareDistributedVirtualSwitch', dvSwitch.id);

type Entity = { readonly ref: Ref; readonly name: string; readonly parent: Ref | null; readonly own: Properties };

const entity = ({ ref: self, name, parent, own }: Entity): ManagedObject => ({
  ref: self,
  name,
  parent,
  properties: () => ({
    name: () => text(name),
    parent: () => parent ?? undefined,
    customValue: () => list('CustomFieldValue', []),
    overallStatus: () => word('ManagedEntityStatus', 'green'),
    configStatus: () => word('ManagedEntityStatus', 'green'),
    effectiveRole: () => list('xsd:int', [int(-1)]),
    recentTask: () => refs([]),
    tag: () => list('Tag', []),
    ...own,
  }),
});

const folderObject = (
  id: string,
  name: string,
  more: { parent: Ref | null; children: readonly Ref[]; types: readonly string[] },
): ManagedObject =>
  entity({
    ref: folder(id),
    name,
    parent: more.parent,
    own: {
      childEntity: () => refs(more.children),
      childType: () => list('xsd:string', more.types.map(text)),
    },
  });

/** Everything with a fixed place; only what is said of VMs changes. */
export function placeObjects(vms: readonly Vm[]): ManagedObject[] {
  const inFolder = (id: string): Ref[] => [
    ...Object.entries(folders)
      .filter(([, { parent }]) => parent === id)
      .map(([child]) => folder(child)),
    ...vms.filter(({ plan }) => plan.folder === id).map(vmRef),
  ];
  const below = (
    id: string,
    name: string,
    [types, children]: readonly [readonly string[], readonly Ref[]],
  ): ManagedObject => folderObject(id, name, { parent: dc, types, children });
  return [
    folderObject(root.id, 'Datacenters', { parent: null, children: [dc], types: ['Folder', 'Datacenter'] }),
    datacenterObject(),
    below('group-h4', 'host', [['Folder', 'ComputeResource'], [cluster]]),
    below('group-s5', 'datastore', [['Folder', 'Datastore', 'StoragePod'], datastoreRefs]),
    below('group-n6', 'network', [
      ['Folder', 'Network', 'DistributedVirtualSwitch'],
      [...networkRefs, switchRef],
    ]),
    ...Object.entries(folders).map(([id, { name, parent }]) =>
      folderObject(id, name, {
        parent: parent === dc.id ? dc : folder(parent),
        children: inFolder(id),
        types: ['Folder', 'VirtualMachine', 'VirtualApp'],
      }),
    ),
    ...clusterObjects(vms),
    ...Object.keys(datastores).map((name) => datastoreObject(name as DatastoreName, vms)),
    ...networkObjects(vms),
  ];
}

const datacenterObject = (): ManagedObject =>
  entity({
    ref: dc,
    name: datacenter.name,
    parent: root,
    own: {
      vmFolder: () => folder('group-v3'),
      hostFolder: () => folder('group-h4'),
      datastoreFolder: () => folder('group-s5'),
      networkFolder: () => folder('group-n6'),
      datastore: () => refs(datastoreRefs),
      network: () => refs(networkRefs),
    },
  });

const clusterObjects = (vms: readonly Vm[]): ManagedObject[] => [
  entity({
    ref: cluster,
    name: 'Cluster-A',
    parent: folder('group-h4'),
    own: {
      host: () => refs(hostRefs),
      resourcePool: () => pool,
      datastore: () => refs(datastoreRefs),
      network: () => refs(networkRefs),
      summary: () =>
        struct('ClusterComputeResourceSummary', {
          totalCpu: int(96_000),
          totalMemory: long(512 * 1024 ** 3),
          numCpuCores: word('xsd:short', '32'),
          numCpuThreads: word('xsd:short', '64'),
          effectiveCpu: int(90_000),
          effectiveMemory: long(500_000),
          numHosts: int(hostRefs.length),
          numEffectiveHosts: int(hostRefs.length),
          overallStatus: word('ManagedEntityStatus', 'green'),
        }),
    },
  }),
  entity({
    ref: pool,
    name: 'Resources',
    parent: cluster,
    own: {
      owner: () => cluster,
      resourcePool: () => refs([]),
      vm: () => refs(vms.filter(({ plan }) => !plan.template).map(vmRef)),
    },
  }),
  ...Object.entries(hosts).map(([id, { name }]) => hostObject(id as HostId, name, vms)),
];

function hostObject(id: HostId, name: string, vms: readonly Vm[]): ManagedObject {
  const runtime = struct('HostRuntimeInfo', {
    connectionState: word('HostSystemConnectionState', 'connected'),
    powerState: word('HostSystemPowerState', 'poweredOn'),
    standbyMode: text('none'),
    inMaintenanceMode: bool(false),
    bootTime: time(Date.UTC(2026, 0, 1)),
  });
  const product = struct('AboutInfo', {
    ...hypervisor,
    name: text('VMware ESXi'),
    fullName: text('VMware ESXi 8.0.2 build-22380479 (OSSEA lab)'),
    build: text('22380479'),
    osType: text('vmnix-x86'),
    productLineId: text('embeddedEsx'),
    apiType: text('HostAgent'),
  });
  return entity({
    ref: ref('HostSystem', id),
    name,
    parent: cluster,
    own: {
      runtime: () => runtime,
      summary: () => hostSummary(id, name, { runtime, product }),
      config: () => struct('HostConfigInfo', { host: ref('HostSystem', id), product, network: hostNetwork() }),
      vm: () => refs(onHost(vms, id)),
      datastore: () => refs(datastoreRefs),
      network: () => refs(networkRefs),
    },
  });
}

/** The lab's hosts are all on this machine. */
const hostNetwork = (): Value =>
  struct('HostNetworkInfo', {
    vnic: list('HostVirtualNic', [
      struct('HostVirtualNic', {
        device: text('vmk0'),
        key: text('key-vim.host.VirtualNic-vmk0'),
        portgroup: text('Management Network'),
        spec: struct('HostVirtualNicSpec', {
          ip: struct('HostIpConfig', { dhcp: bool(false), ipAddress: text('127.0.0.1') }),
        }),
      }),
    ]),
  });

const hostSummary = (id: HostId, name: string, { runtime, product }: Record<'runtime' | 'product', Value>): Value =>
  struct('HostListSummary', {
    host: ref('HostSystem', id),
    hardware: struct('HostHardwareSummary', {
      vendor: text('OSSEA'),
      model: text('lab'),
      uuid: text('4c4c4544-0042-3510-8054-b9c04f4a3532'),
      memorySize: long(256 * 1024 ** 3),
      cpuModel: text('Lab CPU'),
      cpuMhz: int(3000),
      numCpuPkgs: word('xsd:short', '1'),
      numCpuCores: word('xsd:short', '16'),
      numCpuThreads: word('xsd:short', '32'),
      numNics: int(2),
      numHBAs: int(1),
    }),
    runtime,
    config: struct('HostConfigSummary', { name: text(name), port: int(443), product, vmotionEnabled: bool(true) }),
    quickStats: struct('HostListSummaryQuickStats', { overallCpuUsage: int(0), overallMemoryUsage: int(0) }),
    overallStatus: word('ManagedEntityStatus', 'green'),
    rebootRequired: bool(false),
  });

const hypervisor: Fields = {
  name: text('VMware vCenter Server'),
  fullName: text('VMware vCenter Server 8.0.2 build-22617221 (OSSEA lab)'),
  vendor: text('VMware, Inc.'),
  version: text('8.0.2'),
  patchLevel: undefined,
  build: text('22617221'),
  localeVersion: text('INTL'),
  localeBuild: text('000'),
  osType: text('linux-x64'),
  productLineId: text('vpx'),
  apiType: text('VirtualCenter'),
  apiVersion: text('8.0.2.0'),
  licenseProductName: text('VMware VirtualCenter Server'),
  licenseProductVersion: text('8.0'),
};

export const aboutOf = (instanceUuid: string): Value =>
  struct('AboutInfo', { ...hypervisor, instanceUuid: text(instanceUuid) });

function datastoreObject(name: DatastoreName, vms: readonly Vm[]): ManagedObject {
  const { id, type, capacityBytes } = datastores[name];
  const self = ref('Datastore', id);
  const freeSpace = long(capacityBytes / 2);
  const url = text(`ds:///vmfs/volumes/${id}/`);
  const space = { name: text(name), url, freeSpace, maxFileSize: long(64 * 1024 ** 4) };
  const info = {
    VMFS: () =>
      struct('VmfsDatastoreInfo', {
        ...space,
        vmfs: struct('HostVmfsVolume', {
          type: text('VMFS'),
          name: text(name),
          capacity: long(capacityBytes),
          blockSizeMb: int(1),
          maxBlocks: int(0),
          majorVersion: int(6),
          version: text('6.82'),
          uuid: text('65a1b2c3-4d5e6f70-8192-0050560a0b0c'),
          vmfsUpgradable: bool(false),
        }),
      }),
    NFS: () =>
      struct('NasDatastoreInfo', {
        ...space,
        nas: struct('HostNasVolume', {
          type: text('NFS'),
          name: text(name),
          capacity: long(capacityBytes),
          remoteHost: text('192.0.2.9'),
          remotePath: text('/export/nfs-01'),
        }),
      }),
    vsan: () => struct('VsanDatastoreInfo', { ...space, membershipUuid: text('52e1f3a0') }),
  }[type];
  return entity({
    ref: self,
    name,
    parent: folder('group-s5'),
    own: {
      info,
      summary: () =>
        struct('DatastoreSummary', {
          datastore: self,
          name: text(name),
          url,
          capacity: long(capacityBytes),
          freeSpace,
          uncommitted: undefined,
          accessible: bool(true),
          multipleHostAccess: bool(true),
          type: text(type),
          maintenanceMode: text('normal'),
        }),
      host: () =>
        list(
          'DatastoreHostMount',
          hostRefs.map((key) =>
            struct('DatastoreHostMount', {
              key,
              mountInfo: struct('HostMountInfo', {
                path: text(`/vmfs/volumes/${id}`),
                accessMode: text('readWrite'),
                mounted: bool(true),
                accessible: bool(true),
              }),
            }),
          ),
        ),
      vm: () => refs(vms.filter(({ plan }) => plan.datastore === name).map(vmRef)),
      browser: () => ref('HostDatastoreBrowser', `datastoreBrowser-${id}`),
    },
  });
}

function networkObjects(vms: readonly Vm[]): ManagedObject[] {
  const objects = Object.entries(networks).map(([name, { id, type }]) => {
    const self = ref(type, id);
    const isGroup = type === 'DistributedVirtualPortgroup';
    const config = (): Value =>
      struct('DVPortgroupConfigInfo', {
        key: text(id),
        name: text(name),
        numPorts: int(128),
        distributedVirtualSwitch: switchRef,
        type: text('earlyBinding'),
      });
    return entity({
      ref: self,
      name,
      parent: folder('group-n6'),
      own: {
        summary: () =>
          struct('NetworkSummary', { network: self, name: text(name), accessible: bool(true), ipPoolName: text('') }),
        host: () => refs(hostRefs),
        vm: () => refs(vms.filter(({ plan }) => plan.nics.some((nic) => nic.network === name)).map(vmRef)),
        ...(isGroup ? { key: () => text(id), config } : {}),
      },
    });
  });
  const summary = (): Value =>
    struct('DVSSummary', { name: text(dvSwitch.name), uuid: text(dvSwitch.uuid), numPorts: int(128) });
  const portgroup = some(Object.values(networks).map(({ type, id }) => type !== 'Network' && ref(type, id)));
  const own = { uuid: () => text(dvSwitch.uuid), summary, portgroup: () => refs(portgroup) };
  return [...objects, entity({ ref: switchRef, name: dvSwitch.name, parent: folder('group-n6'), own })];
}
