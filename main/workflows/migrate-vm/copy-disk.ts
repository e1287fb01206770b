import { z } from 'zod';
import { settleAll } from '../../engine/settle.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import { diskOf } from './disk-of.ts';
import { hashSource } from './hash-source.ts';
import { closeExport } from './nbd-export.ts';
import type { MigrateParts } from './parts.ts';
import { planCopy } from './plan-copy.ts';
import { compareEnds, hashTarget } from './prove-copy.ts';
import { sourceDisk } from './source-disk.ts';
import { transfer } from './transfer.ts';

const input = z.object({
  job_id: z.string(),
  disk: sourceDisk,
  volume_id: z.uuid(),
  volume_bytes: z.int(),
  segment_bytes: z.int(),
});
const output = z.object({ sha256: z.string(), manifest_root: z.string() });

export type CopyRequest = z.infer<typeof input>;
export type CopyDisk = Workflow<CopyRequest, z.infer<typeof output>>;
export type CopyContext = { readonly parts: MigrateParts; readonly context: RunContext; readonly request: CopyRequest };

/** One disk: plan, export, send in segments, close, read both ends, compare. The source is hashed while it is sent. */
export function copyDiskWorkflow(parts: MigrateParts): CopyDisk {
  return {
    name: 'copy-disk',
    version: 1,
    input,
    output,
    cancellable: true,
    run: async (context, request) => {
      const copy: CopyContext = { parts, context, request };
      const plan = await planCopy(copy);
      const source = hashSource(copy);
      await settleAll<unknown>([source, transfer(copy, plan)], () => Promise.resolve());
      await context.write((tx) => parts.rows.jobs.enterPhase(tx, diskOf(request), 'verify'));
      await closeExport(copy);
      const target = await hashTarget(copy);
      return await compareEnds(copy, { plan, source: await source, target });
    },
    undo: async (context, request) => {
      await closeExport({ parts, context, request });
    },
  };
}
