import type { z } from 'zod';
import type { vsphereDetails } from '../../shared/contract/vms.ts';
import type { VmSnapshot, VmSpec } from '../domain/vm-spec.ts';

type Details = z.infer<typeof vsphereDetails>;

/** All that a vCenter tells of a VM, in the words of the contract. */
export const vsphereDocument = (spec: VmSpec): Details => ({
  mo_ref: spec.moRef,
  bios_uuid: spec.biosUuid,
  datacenter: spec.datacenter,
  host: spec.host,
  secure_boot: spec.secureBoot,
  tpm: spec.tpm,
  guest_id: spec.guestId,
  guest_host_name: spec.guestHostName,
  connection_state: spec.connectionState,
  tools: { running: spec.tools.running, version_status: spec.tools.versionStatus },
  annotation: spec.annotation,
  snapshots: spec.snapshots.map(snapshotDocument),
  change_tracking: spec.changeTracking,
  change_version: spec.changeVersion,
  consolidation_needed: spec.consolidationNeeded,
  hardware_version: spec.hardwareVersion,
  disks: spec.disks.map((disk) => ({
    key: disk.key,
    controller: disk.controller,
    datastore: disk.datastore,
    parent_paths: [...disk.parentPaths],
    provisioning: disk.provisioning,
    mode: disk.mode,
    sharing: disk.sharing,
    rdm: disk.rdm,
    encrypted: disk.encrypted,
    uuid: disk.uuid,
    backing: disk.backing,
    change_id: disk.changeId,
  })),
  nics: spec.nics.map((nic) => ({
    key: nic.key,
    label: nic.label,
    mac: nic.mac,
    adapter: nic.adapter,
    network: nic.network,
    connected: nic.connected,
    guest_addresses: [...nic.guestAddresses],
  })),
});

const snapshotDocument = (snapshot: VmSnapshot): Details['snapshots'][number] => ({
  mo_ref: snapshot.moRef,
  name: snapshot.name,
  created_at: snapshot.createdAt,
  state: snapshot.state,
  children: snapshot.children.map(snapshotDocument),
});
