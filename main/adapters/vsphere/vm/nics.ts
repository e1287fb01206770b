import type { VmNic } from '../../../domain/vm-spec.ts';
import type { Names } from '../inventory/names.ts';
import { at, childrenOf, type Element, filledTextOf, flagOf, longOf, refAt, required } from '../soap/element.ts';

export type RawNic = Omit<VmNic, 'network' | 'networkMoRef' | 'guestAddresses'> & {
  readonly networkRef: string | null;
  readonly portGroupKey: string | null;
  readonly opaqueNetworkId: string | null;
  /** What the device itself calls its network; a name only where nothing better is known. */
  readonly networkText: string | null;
};

/** As the guest's tools tell it. */
export type GuestNic = {
  readonly deviceKey: number | null;
  readonly mac: string | null;
  readonly addresses: readonly string[];
};

const adapters: Readonly<Record<string, VmNic['adapter']>> = {
  VirtualVmxnet3: 'vmxnet3',
  VirtualVmxnet3Vrdma: 'vmxnet3',
  VirtualVmxnet2: 'vmxnet2',
  VirtualVmxnet: 'vmxnet',
  VirtualE1000: 'e1000',
  VirtualE1000e: 'e1000e',
  VirtualPCNet32: 'pcnet32',
  VirtualSriovEthernetCard: 'sriov',
};

/** Only network adapters have a MAC address; kinds that are newer than this list count as well. */
export const nicsIn = (devices: Element): RawNic[] =>
  devices.children.filter((device) => at(device, 'macAddress') !== null || isAdapter(device)).map(nicIn);

const isAdapter = ({ type }: Element): boolean => type !== null && Object.hasOwn(adapters, type);

function nicIn(device: Element): RawNic {
  const key = required(longOf(device, 'key'), 'the key of a network adapter');
  return {
    key,
    label: filledTextOf(device, 'deviceInfo.label') ?? `network adapter ${key}`,
    mac: filledTextOf(device, 'macAddress')?.toLowerCase() ?? null,
    adapter: adapters[device.type ?? ''] ?? null,
    connected: flagOf(device, 'connectable.connected'),
    networkRef: refAt(device, 'backing.network')?.value ?? null,
    portGroupKey: filledTextOf(device, 'backing.port.portgroupKey'),
    opaqueNetworkId: filledTextOf(device, 'backing.opaqueNetworkId'),
    networkText: filledTextOf(device, 'backing.deviceName'),
  };
}

export const guestNicsIn = (list: Element): GuestNic[] =>
  list.children.map((nic) => ({
    deviceKey: longOf(nic, 'deviceConfigId'),
    mac: filledTextOf(nic, 'macAddress')?.toLowerCase() ?? null,
    addresses: childrenOf(nic, 'ipAddress').map((address) => address.text),
  }));

export function nicOf(
  raw: RawNic,
  { names, guest }: { readonly names: Names; readonly guest: readonly GuestNic[] },
): VmNic {
  const { networkRef, portGroupKey, opaqueNetworkId, networkText, ...nic } = raw;
  const networkMoRef =
    networkRef ??
    (portGroupKey === null ? null : names.portGroup(portGroupKey)) ??
    (opaqueNetworkId === null ? null : names.opaqueNetwork(opaqueNetworkId));
  const told = guest.filter((one) => one.deviceKey === raw.key);
  const seen = told.length > 0 ? told : guest.filter((one) => one.mac !== null && one.mac === raw.mac);
  return {
    ...nic,
    network: (networkMoRef === null ? null : names.nameOf(networkMoRef)) ?? networkText,
    networkMoRef,
    guestAddresses: seen.flatMap((one) => one.addresses),
  };
}
