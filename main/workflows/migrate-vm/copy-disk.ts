import { z } from 'zod';
import { settleAll } from '../../engine/settle.ts';
import type { RunContext, Workflow } from '../../engine/workflow.ts';
import { proveDelta } from './delta-proof.ts';
import { diskOf } from './disk-of.ts';
import { proveFull } from './full-proof.ts';
import { closeExport } from './nbd-export.ts';
import type { MigrateParts } from './parts.ts';
import { planCopy } from './plan-copy.ts';
import { sourceDisk } from './source-disk.ts';
import { transfer } from './transfer.ts';

const input = z.object({
  job_id: z.string(),
  source: z.object({ sourceKind: z.enum(['images', 'vsphere']), sourceId: z.string(), vmId: z.string() }),
  disk: sourceDisk,
  volume_id: z.uuid(),
  volume_bytes: z.int(),
  segment_bytes: z.int(),
  /** null: no snapshot is read. */
  snapshot: z.object({ mo_ref: z.string(), change_id: z.string().nullable() }).nullable(),
  /** Why all of the disk is copied, where that is known before anything is looked at. */
  full_because: z.string().nullable(),
  /** The disk was sent already and differs: nothing that is recorded of its segments counts. */
  again: z.boolean(),
  audit: z.boolean(),
  sample_percent: z.int(),
});
const output = z.object({ proof: z.enum(['full', 'delta']), manifest_root: z.string() });

export type CopyRequest = z.infer<typeof input>;
export type CopyResult = z.infer<typeof output>;
export type CopyDisk = Workflow<CopyRequest, CopyResult>;
export type CopyContext = { readonly parts: MigrateParts; readonly context: RunContext; readonly request: CopyRequest };

/** Both ends agree, or what differs is nothing that this copy sent: then why all of the disk is to be copied. */
export type Verdict = { readonly proved: CopyResult } | { readonly copyAgainBecause: string };

/** One disk: plan, export, send in segments, close, read both ends, compare. The source is read while it is sent. */
export function copyDiskWorkflow(parts: MigrateParts): CopyDisk {
  const workflow: CopyDisk = {
    name: 'copy-disk',
    version: 2,
    input,
    output,
    cancellable: true,
    run: async (context, request) => {
      const copy: CopyContext = { parts, context, request };
      const plan = await planCopy(copy);
      const proof = plan.base === null || request.audit ? proveFull(copy, plan) : proveDelta(copy, plan, plan.base);
      await settleAll<unknown>([proof.source, transfer(copy, plan)], () => Promise.resolve());
      await context.write((tx) => parts.rows.jobs.enterPhase(tx, diskOf(request), 'verify'));
      await closeExport(copy);
      const verdict = await proof.compare();
      if ('proved' in verdict) return verdict.proved;
      const once = { ...request, full_because: verdict.copyAgainBecause, again: true, audit: false };
      return await context.child('copy-in-full', workflow, once);
    },
    undo: async (context, request) => {
      await closeExport({ parts, context, request });
    },
  };
  return workflow;
}
