import { z } from 'zod';
import type { Mapping } from '../../domain/device.ts';
import { actOnce } from '../../engine/act-once.ts';
import type { OpenExport } from '../../ports/nbd-exports.ts';
import type { Signalled } from '../../ports/signalled.ts';
import type { CopyContext } from './copy-disk.ts';
import { diskOf } from './disk-of.ts';
import { overBoots } from './over-boots.ts';

const exportName = (copy: CopyContext): string => `migration-vol-${copy.request.volume_id}`;

/** The device of the disk's volume, proved now. */
export const proveTarget = ({ parts, request }: CopyContext, options: Signalled): Promise<Mapping> =>
  parts.truth.prove({ volumeId: request.volume_id, sizeBytes: request.volume_bytes }, options);

/** Makes sure that the export of the proved device is served, and says so in the rows before anything may write. */
export async function openExport(copy: CopyContext, options: Signalled): Promise<OpenExport> {
  const { parts, context, request } = copy;
  const mapping = await proveTarget(copy, options);
  const served = await parts.rows.exports.openMapping(request.volume_id);
  if (served !== null && served.id !== mapping.id) await parts.exports.close(served, options);
  await context.write(async (tx) => {
    await parts.rows.volumes.markReceivedData(tx, request.volume_id);
    if (served?.id === mapping.id) return;
    if (served !== null) await parts.rows.exports.close(tx, served.id);
    const row = { mapping, exportName: exportName(copy), port: parts.exports.port, jobId: request.job_id };
    await parts.rows.exports.open(tx, row);
  });
  return await parts.exports.ensureOpen(mapping, options);
}

export const openFirst = (copy: CopyContext): Promise<'open'> =>
  copy.context.step('open-export', {
    input: copy.request.volume_id,
    ...actOnce<'open'>(z.literal('open'), async (options) => {
      await overBoots(copy, options, () => openExport(copy, options));
      return 'open';
    }),
    record: (tx) => copy.parts.rows.jobs.patchDisk(tx, diskOf(copy.request), { exportName: exportName(copy) }),
  });

/** Rule N2, before anything reads the device as truth or detaches it. */
export const closeExport = (copy: CopyContext): Promise<'closed'> =>
  copy.context.step('close-export', {
    input: copy.request.volume_id,
    ...actOnce<'closed'>(z.literal('closed'), async (options) => {
      const served = await copy.parts.rows.exports.openMapping(copy.request.volume_id);
      if (served !== null) await copy.parts.exports.close(served, options);
      return 'closed';
    }),
    record: async (tx) => {
      const served = await copy.parts.rows.exports.openMapping(copy.request.volume_id);
      if (served !== null) await copy.parts.rows.exports.close(tx, served.id);
    },
  });
