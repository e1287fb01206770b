import type { LiveRun, Runtime } from './runtime.ts';

type Wait<T> = { readonly reason: string; readonly work: () => Promise<T> };

/** While `work` runs, the run and everything above it are shown as waiting for this reason. */
export async function whileWaiting<T>(runtime: Runtime, run: LiveRun, { reason, work }: Wait<T>): Promise<T> {
  const shown = lineage(runtime, run);
  for (const each of shown) each.waits.push(reason);
  await showAll(runtime, shown);
  try {
    return await work();
  } finally {
    for (const each of shown) each.waits.splice(each.waits.indexOf(reason), 1);
    await showAll(runtime, shown);
  }
}

/** A part is held while others still work: the runs above say why already, and are held once the others came to their end. */
export async function showHeld(runtime: Runtime, run: LiveRun, reason: string): Promise<void> {
  const above = lineage(runtime, run).slice(1);
  for (const each of above) each.heldParts.push(reason);
  await showAll(runtime, above);
}

/** The run and the runs that wait for it, as far as this process works on them. */
function lineage({ live }: Runtime, run: LiveRun): LiveRun[] {
  const parent = run.row.parentId === null ? undefined : live.get(run.row.parentId);
  return parent === undefined ? [run] : [run, ...lineage({ live } as Runtime, parent)];
}

async function showAll(runtime: Runtime, runs: readonly LiveRun[]): Promise<void> {
  for (const run of runs) {
    await runtime.update(run, () => {
      if (run.row.status !== 'running' && run.row.status !== 'waiting') return null;
      const waits = run.waits[0];
      const status = waits === undefined ? 'running' : 'waiting';
      const reason = waits ?? run.heldParts[0] ?? (run.row.undoing === null ? null : 'undoing');
      return status === run.row.status && reason === run.row.reason ? null : { status, reason };
    });
  }
}
