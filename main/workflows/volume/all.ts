import { type AttachRootVolume, attachRootVolumeWorkflow } from './attach-root-volume.ts';
import { type AttachVolume, attachVolumeWorkflow } from './attach-volume.ts';
import { type CleanUpTestFailover, cleanUpTestFailoverWorkflow } from './clean-up-test-failover.ts';
import { type CreateVolume, createVolumeWorkflow } from './create-volume.ts';
import { type DeleteVolume, deleteVolumeWorkflow } from './delete-volume.ts';
import { type DetachVolume, detachVolumeWorkflow } from './detach-volume.ts';
import { type ForceSync, forceSyncWorkflow } from './force-sync.ts';
import type { VolumeParts } from './parts.ts';

/** The operations of the Volume Daemon: the same runs whether a migration starts them or a request. */
export type VolumeOperations = {
  readonly create: CreateVolume;
  readonly attach: AttachVolume;
  readonly attachRoot: AttachRootVolume;
  readonly detach: DetachVolume;
  readonly remove: DeleteVolume;
  readonly cleanUp: CleanUpTestFailover;
  readonly forceSync: ForceSync;
};

export function volumeOperations(parts: VolumeParts): VolumeOperations {
  const attach = attachVolumeWorkflow(parts);
  const detach = detachVolumeWorkflow(parts);
  return {
    create: createVolumeWorkflow(parts),
    attach,
    attachRoot: attachRootVolumeWorkflow(parts),
    detach,
    remove: deleteVolumeWorkflow(parts),
    cleanUp: cleanUpTestFailoverWorkflow({ ...parts, operations: { attach, detach } }),
    forceSync: forceSyncWorkflow(parts),
  };
}
