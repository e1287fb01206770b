import type { VmDisk, VmSpec } from '../../../domain/vm-spec.ts';
import type { Names, Place } from '../inventory/names.ts';
import type { RawDisk } from './disks.ts';
import { nicOf } from './nics.ts';
import { together, type VmParts, type VmProperties } from './properties.ts';

export type KnownVm = { readonly moRef: string; readonly parts: VmParts };

/** Puts the names of folders, hosts, datastores and networks to a VM's own properties. */
export function specOf({ moRef, parts }: KnownVm, names: Names): VmSpec {
  const { parentMoRef, appMoRef, toolsRunning, toolsVersionStatus, guestNics, ...vm } = together(parts);
  const place = placeOf({ parentMoRef, appMoRef }, names);
  return {
    moRef,
    ...vm,
    name: vm.name ?? moRef,
    folderPath: place?.path ?? null,
    datacenter: place?.datacenter ?? null,
    datacenterPath: place?.datacenterPath ?? null,
    host: vm.hostMoRef === null ? null : names.nameOf(vm.hostMoRef),
    tools: { running: toolsRunning, versionStatus: toolsVersionStatus },
    disks: vm.disks.map((disk) => diskOf(disk, names)),
    nics: vm.nics.map((nic) => nicOf(nic, { names, guest: guestNics })),
  };
}

/** A VM of a vApp has no folder of its own: it lies where the vApp lies. */
function placeOf(
  { parentMoRef, appMoRef }: Pick<VmProperties, 'parentMoRef' | 'appMoRef'>,
  names: Names,
): Place | null {
  const parent = parentMoRef ?? appMoRef;
  return parent === null ? null : names.placeOf(parent);
}

export function diskOf(disk: RawDisk, names: Names): VmDisk {
  const known = disk.datastoreMoRef === null ? null : names.nameOf(disk.datastoreMoRef);
  return { ...disk, datastore: known ?? /^\[(.*?)\]/.exec(disk.vmdkPath ?? '')?.[1] ?? null };
}

/** Whether all names are known by now; in a listing they may come after the VM. */
export function isComplete({ parts }: KnownVm, names: Names): boolean {
  const { parentMoRef, appMoRef, hostMoRef, disks, nics } = together(parts);
  const parent = parentMoRef ?? appMoRef;
  return (
    (parent === null || names.placeOf(parent) !== null) &&
    (hostMoRef === null || names.nameOf(hostMoRef) !== null) &&
    disks.every(({ datastoreMoRef }) => datastoreMoRef === null || names.nameOf(datastoreMoRef) !== null) &&
    nics.every(
      ({ networkRef, portGroupKey }) =>
        (networkRef === null || names.nameOf(networkRef) !== null) &&
        (portGroupKey === null || names.portGroup(portGroupKey) !== null),
    )
  );
}
