import { datastores, networks } from '../place.ts';
import {
  bool,
  int,
  list,
  type Struct,
  some,
  struct,
  text,
  texts,
  time,
  type Value,
  word,
  written,
} from '../soap/value.ts';
import { writeAny } from '../soap/write.ts';
import type { VmPlan } from '../vm-plan.ts';
import { changeIdOf, type SnapshotNow } from '../vm-state.ts';
import { diskNow, type Vm } from '../vms.ts';
import { type DiskView, devicesOf } from './devices.ts';

/** What each disk stands on, newest first: at the time of `at`, or now. */
function chainOf(vm: Vm, at: SnapshotNow | null): Map<number, DiskView[]> {
  const { chain } = vm.now;
  const until = at === null ? chain : chain.slice(0, chain.indexOf(at) + 1);
  return new Map(
    vm.plan.disks.map(({ key }) => {
      const now = diskNow(vm, key);
      const frozen = until.flatMap(({ disks }) => disks.filter((disk) => disk.key === key)).reverse();
      const current = { delta: now.delta, sizeBytes: now.sizeBytes, changeId: changeIdOf(now) };
      return [key, at === null ? [current, ...frozen] : frozen];
    }),
  );
}

export const vmxPath = (plan: VmPlan): string => `[${plan.datastore}] ${plan.directory}/${plan.fileName}.vmx`;

const option = (key: string, value: string): Struct =>
  struct('OptionValue', { key: text(key), value: written(writeAny('value', text(value))) });

/** VirtualMachineConfigInfo of the VM, or of one of its snapshots. */
export function configOf(vm: Vm, at: SnapshotNow | null): Value {
  const { plan, now } = vm;
  const home = `[${plan.datastore}] ${plan.directory}/`;
  return struct('VirtualMachineConfigInfo', {
    changeVersion: text(`${new Date(now.modifiedAtMs).toISOString()}/${now.changeVersion}`),
    modified: time(now.modifiedAtMs),
    name: text(plan.name),
    guestFullName: text(plan.guestFullName),
    version: text('vmx-19'),
    uuid: text(plan.biosUuid),
    createDate: time(Date.UTC(2025, 5, 1)),
    instanceUuid: text(plan.vmId),
    locationId: undefined,
    template: bool(plan.template),
    guestId: text(plan.guestId),
    alternateGuestName: text(''),
    annotation: text(plan.annotation),
    files: struct('VirtualMachineFileInfo', {
      vmPathName: text(vmxPath(plan)),
      snapshotDirectory: text(home),
      suspendDirectory: text(home),
      logDirectory: text(home),
    }),
    tools: struct('ToolsConfigInfo', { toolsVersion: int(plan.tools === 'notInstalled' ? 0 : 12_352) }),
    flags: struct('VirtualMachineFlagInfo', { diskUuidEnabled: bool(true) }),
    consolePreferences: undefined,
    defaultPowerOps: struct('VirtualMachineDefaultPowerOpInfo', { powerOffType: text('soft') }),
    hardware: struct('VirtualHardware', {
      numCPU: int(plan.cpuCount),
      numCoresPerSocket: int(1),
      memoryMB: int(plan.memoryMib),
      virtualICH7MPresent: bool(false),
      virtualSMCPresent: bool(false),
      device: list('VirtualDevice', devicesOf(vm, chainOf(vm, at))),
    }),
    cpuAllocation: undefined,
    memoryAllocation: undefined,
    memoryHotAddEnabled: bool(false),
    cpuHotAddEnabled: bool(false),
    extraConfig: list('OptionValue', [
      option('nvram', `${plan.fileName}.nvram`),
      option('numa.autosize.cookie', '20012'),
    ]),
    datastoreUrl: list('VirtualMachineConfigInfoDatastoreUrlPair', [
      struct('VirtualMachineConfigInfoDatastoreUrlPair', {
        name: text(plan.datastore),
        url: text(`ds:///vmfs/volumes/${datastores[plan.datastore].id}/`),
      }),
    ]),
    bootOptions: struct('VirtualMachineBootOptions', {
      bootDelay: undefined,
      enterBIOSSetup: bool(false),
      efiSecureBootEnabled: bool(plan.secureBoot),
      bootRetryEnabled: bool(false),
    }),
    vAppConfig: undefined,
    firmware: text(plan.firmware),
    changeTrackingEnabled: bool(now.cbt),
    managedBy: undefined,
    keyId: undefined,
    guestAutoLockEnabled: undefined,
    migrateEncryption: undefined,
    ftEncryptionMode: undefined,
  });
}

const toolsStatus = { running: 'toolsOk', notRunning: 'toolsNotRunning', notInstalled: 'toolsNotInstalled' } as const;

/** Addresses are known only while the tools tell them. */
export function guestOf({ plan, now }: Vm): Value {
  const speaks = now.power === 'poweredOn' && now.tools === 'running';
  const told = <T>(value: T): T | undefined => (speaks ? value : undefined);
  const addresses = plan.nics.flatMap((nic) => nic.addresses);
  return struct('GuestInfo', {
    toolsStatus: word(
      'VirtualMachineToolsStatus',
      now.tools === 'running' && !speaks ? 'toolsNotRunning' : toolsStatus[now.tools],
    ),
    toolsVersionStatus: text(now.tools === 'notInstalled' ? 'guestToolsNotInstalled' : 'guestToolsUnmanaged'),
    toolsVersionStatus2: text(now.tools === 'notInstalled' ? 'guestToolsNotInstalled' : 'guestToolsUnmanaged'),
    toolsRunningStatus: text(speaks ? 'guestToolsRunning' : 'guestToolsNotRunning'),
    toolsVersion: text(now.tools === 'notInstalled' ? '0' : '12352'),
    toolsInstallType: undefined,
    guestId: told(text(plan.guestId)),
    guestFamily: told(text(plan.guestId.startsWith('windows') ? 'windowsGuest' : 'linuxGuest')),
    guestFullName: told(text(plan.guestFullName)),
    hostName: told(text(`${plan.fileName}.example`)),
    ipAddress: addresses[0] === undefined ? undefined : told(text(addresses[0])),
    net: told(
      list(
        'GuestNicInfo',
        plan.nics.map((nic) =>
          struct('GuestNicInfo', {
            network: text(nic.network),
            ipAddress: texts(nic.addresses),
            macAddress: text(nic.mac),
            connected: bool(nic.connected),
            deviceConfigId: int(nic.key),
            ipConfig: struct('NetIpConfigInfo', {
              ipAddress: list(
                'NetIpConfigInfoIpAddress',
                nic.addresses.map((address) =>
                  struct('NetIpConfigInfoIpAddress', {
                    ipAddress: text(address),
                    prefixLength: int(address.includes(':') ? 64 : 24),
                    state: text('preferred'),
                  }),
                ),
              ),
            }),
          }),
        ),
      ),
    ),
    ipStack: undefined,
    disk: undefined,
    screen: undefined,
    guestState: text(speaks ? 'running' : 'notRunning'),
    guestOperationsReady: bool(speaks),
  });
}

/** The ways a VM is connected; one entry for each network. */
export const networksOf = ({ plan }: Vm): (typeof networks)[keyof typeof networks][] =>
  some([...new Set(plan.nics.map((nic) => networks[nic.network]))]);
