import { datastores, type HostId } from '../place.ts';
import { bool, int, list, long, type Ref, ref, refs, struct, text, time, type Value, word } from '../soap/value.ts';
import type { SnapshotNow } from '../vm-state.ts';
import { diskNow, type Vm } from '../vms.ts';
import { configOf, guestOf, networksOf, vmxPath } from './config.ts';
import type { ManagedObject, Properties } from './managed-object.ts';

export const vmRef = ({ plan }: Vm): Ref => ref('VirtualMachine', plan.moref);

export const vmObject = (vm: Vm, recentTasks: readonly Ref[]): ManagedObject => ({
  ref: vmRef(vm),
  name: vm.plan.name,
  parent: ref('Folder', vm.plan.folder),
  properties: () => propertiesOf(vm, recentTasks),
});

function propertiesOf(vm: Vm, recentTasks: readonly Ref[]): Properties {
  const { plan, now } = vm;
  const datastore = ref('Datastore', datastores[plan.datastore].id);
  const nothing = (): undefined => undefined;
  return {
    name: () => text(plan.name),
    parent: () => ref('Folder', plan.folder),
    customValue: () => list('CustomFieldValue', []),
    overallStatus: () => word('ManagedEntityStatus', 'green'),
    configStatus: () => word('ManagedEntityStatus', 'green'),
    configIssue: () => list('Event', []),
    effectiveRole: () => list('xsd:int', [int(-1)]),
    permission: () => list('Permission', []),
    disabledMethod: nothing,
    recentTask: () => refs(recentTasks),
    tag: () => list('Tag', []),
    capability: nothing,
    config: once(() => configOf(vm, null)),
    layoutEx: nothing,
    storage: nothing,
    resourcePool: () => (plan.template ? undefined : ref('ResourcePool', 'resgroup-8')),
    parentVApp: nothing,
    runtime: once(() => runtimeOf(vm)),
    guest: once(() => guestOf(vm)),
    guestHeartbeatStatus: () => word('ManagedEntityStatus', now.power === 'poweredOn' ? 'green' : 'gray'),
    summary: once(() => summaryOf(vm)),
    datastore: () => refs([datastore]),
    network: () => refs(networksOf(vm).map(({ type, id }) => ref(type, id))),
    snapshot: once(() => snapshotTree(vm)),
    rootSnapshot: () =>
      refs(
        visible(vm)
          .slice(0, 1)
          .map(({ id }) => ref('VirtualMachineSnapshot', id)),
      ),
  };
}

/** Many paths lead into one structure: it is made for the first of them. */
function once(make: () => Value | undefined): () => Value | undefined {
  let made: { readonly value: Value | undefined } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

const runtimeOf = ({ plan, now }: Vm): Value =>
  struct('VirtualMachineRuntimeInfo', {
    host: ref('HostSystem', plan.host),
    connectionState: word('VirtualMachineConnectionState', 'connected'),
    powerState: word('VirtualMachinePowerState', now.power),
    toolsInstallerMounted: bool(false),
    suspendTime: undefined,
    bootTime: now.power === 'poweredOn' ? time(now.modifiedAtMs) : undefined,
    question: undefined,
    numMksConnections: int(0),
    consolidationNeeded: bool(now.chain.some((snapshot) => snapshot.removed)),
  });

function summaryOf(vm: Vm): Value {
  const { plan } = vm;
  const sizeBytes = plan.disks.reduce((sum, disk) => sum + diskNow(vm, disk.key).sizeBytes, 0);
  return struct('VirtualMachineSummary', {
    vm: vmRef(vm),
    runtime: runtimeOf(vm),
    guest: struct('VirtualMachineGuestSummary', { hostName: undefined, ipAddress: undefined }),
    config: struct('VirtualMachineConfigSummary', {
      name: text(plan.name),
      template: bool(plan.template),
      vmPathName: text(vmxPath(plan)),
      memorySizeMB: int(plan.memoryMib),
      numCpu: int(plan.cpuCount),
      numEthernetCards: int(plan.nics.length),
      numVirtualDisks: int(plan.disks.length),
      uuid: text(plan.biosUuid),
      instanceUuid: text(plan.vmId),
      guestId: text(plan.guestId),
      guestFullName: text(plan.guestFullName),
      annotation: text(plan.annotation),
    }),
    storage: struct('VirtualMachineStorageSummary', {
      committed: long(sizeBytes),
      uncommitted: long(0),
      unshared: long(sizeBytes),
      timestamp: time(vm.now.modifiedAtMs),
    }),
    quickStats: struct('VirtualMachineQuickStats', {
      overallCpuUsage: int(0),
      guestMemoryUsage: int(0),
      hostMemoryUsage: int(0),
      uptimeSeconds: int(0),
      guestHeartbeatStatus: word('ManagedEntityStatus', 'gray'),
    }),
    overallStatus: word('ManagedEntityStatus', 'green'),
  });
}

const visible = ({ now }: Vm): SnapshotNow[] => now.chain.filter((snapshot) => !snapshot.removed);

function snapshotTree(vm: Vm): Value | undefined {
  const snapshots = visible(vm);
  const last = snapshots.at(-1);
  if (last === undefined) return undefined;
  const tree = snapshots.reduceRight<Value | null>(
    (below, snapshot) =>
      struct('VirtualMachineSnapshotTree', {
        snapshot: ref('VirtualMachineSnapshot', snapshot.id),
        vm: vmRef(vm),
        name: text(snapshot.name),
        description: text(snapshot.description),
        id: int(snapshot.number),
        createTime: time(snapshot.createdAtMs),
        state: word('VirtualMachinePowerState', snapshot.power),
        quiesced: bool(snapshot.quiesced),
        backupManifest: undefined,
        childSnapshotList: list('VirtualMachineSnapshotTree', below === null ? [] : [below]),
        replaySupported: bool(false),
      }),
    null,
  );
  return struct('VirtualMachineSnapshotInfo', {
    currentSnapshot: ref('VirtualMachineSnapshot', last.id),
    rootSnapshotList: list('VirtualMachineSnapshotTree', tree === null ? [] : [tree]),
  });
}

/** VirtualMachineSnapshot: its configuration names the frozen files and their change ids. */
export const snapshotObject = (vm: Vm, snapshot: SnapshotNow): ManagedObject => ({
  ref: ref('VirtualMachineSnapshot', snapshot.id),
  name: null,
  parent: null,
  properties: () => ({
    config: () => configOf(vm, snapshot),
    vm: () => vmRef(vm),
    childSnapshot: () => {
      const after = visible(vm)[visible(vm).indexOf(snapshot) + 1];
      return refs(after === undefined ? [] : [ref('VirtualMachineSnapshot', after.id)]);
    },
  }),
});

export const onHost = (vms: readonly Vm[], host: HostId): Ref[] =>
  vms.filter(({ plan }) => plan.host === host).map(vmRef);
