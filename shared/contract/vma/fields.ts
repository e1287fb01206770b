import { z } from 'zod';
import { bytes, id } from '../fields.ts';

export const ofVm = z.strictObject({ vm_id: id });
export const ofJob = z.strictObject({ job_id: id });
/** VMware's key of a disk, unique in its VM; never its place in a list. */
export const diskKey = z.int().min(0);
/** MoRef of a snapshot of ours; null: as the disk lies on its datastore while the VM is off. */
export const snapshotRef = z.string().min(1).max(200).nullable();
export const attempt = z.int().min(1);
export const extent = z.strictObject({ offset: bytes, length: z.int().min(1) });
