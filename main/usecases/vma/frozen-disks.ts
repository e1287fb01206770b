import type { VmaHandlers, VmaParts } from './parts.ts';
import { readableDisk, requireAtVcenter, requireDisk } from './require.ts';

export const getCopyMethod =
  (parts: VmaParts): VmaHandlers['getCopyMethod'] =>
  async ({ params }, { signal }) => {
    const { ref } = await requireAtVcenter(parts, params.vm_id, { signal });
    const { mover, because, rejected, snapshot } = await parts.snapshots.method(ref, { signal });
    return { mover, because, rejected: rejected.map((one) => ({ ...one })), snapshot };
  };

export const freezeVm =
  (parts: VmaParts): VmaHandlers['freezeVm'] =>
  async ({ params, body: { id, quiesce } }, { signal }) => {
    const { ref } = await requireAtVcenter(parts, params.vm_id, { signal });
    const { snapshotMoRef, disks } = await parts.snapshots.freeze({ vm: ref, id, quiesce }, { signal });
    return {
      id,
      snapshot: snapshotMoRef,
      disks: disks.map(({ key, capacityBytes, image, changeId }) => ({
        disk_key: key,
        capacity_bytes: capacityBytes,
        path: image.path,
        change_id: changeId,
      })),
    };
  };

export const thawVm =
  (parts: VmaParts): VmaHandlers['thawVm'] =>
  async ({ params: { vm_id: vmId, id } }, { signal }) => {
    const { ref } = await requireAtVcenter(parts, vmId, { signal });
    await parts.snapshots.thaw({ vm: ref, id }, { signal });
    return { id };
  };

export const readChangedAreas =
  (parts: VmaParts): VmaHandlers['readChangedAreas'] =>
  async ({ params, body }, { signal }) => {
    const { ref } = await requireAtVcenter(parts, params.vm_id, { signal });
    const areas = await parts.snapshots.changedAreas(
      {
        vm: ref,
        snapshotMoRef: body.snapshot,
        diskKey: body.disk_key,
        capacityBytes: body.capacity_bytes,
        since: body.since,
        until: body.until,
      },
      { signal },
    );
    return { areas: areas.map(({ offset, length }) => ({ offset, length })) };
  };

export const readDiskState =
  (parts: VmaParts): VmaHandlers['readDiskState'] =>
  async ({ params, body }, { signal }) => {
    const at = await requireAtVcenter(parts, params.vm_id, { signal });
    const wanted = { at, diskKey: body.disk_key, snapshot: body.snapshot };
    const { source } = await readableDisk(parts, wanted, { signal });
    const { fingerprint } = await parts.sources.state(
      { ...requireDisk(at.vm, body.disk_key), image: source },
      { signal },
    );
    return { fingerprint };
  };
