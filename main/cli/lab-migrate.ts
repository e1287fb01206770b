import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Client, createClient } from '../../shared/client/client.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import type { Vm } from '../../shared/contract/vms.ts';
import { AppError } from '../../shared/errors.ts';
import { createLog, startDaemon } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { followJobs, type JobWatcher } from './follow-jobs.ts';
import { startAdversary } from './lab-adversary.ts';
import { askLab } from './lab-control.ts';
import { jobsDocument, progressReporter, proofTable } from './report.ts';
import type { Surroundings } from './surroundings.ts';

/** `ossea lab migrate`: a daemon and a lab of its own in a temporary folder; migrate, prove, stop, tidy up. */
export async function labMigrate(args: Arguments, around: Surroundings): Promise<number> {
  const names = args.words.slice(2);
  if (names.length === 0 && !args.all)
    throw new AppError('INVALID_REQUEST', 'Name at least one VM of the lab, or --all.');
  const dataDir = args.dataDir ?? mkdtempSync(join(tmpdir(), 'ossea-lab-'));
  let jobs: Migration[];
  const log = createLog({ file: join(dataDir, 'daemon.log') });
  const daemon = await startDaemon({
    dataDir,
    lab: true,
    // The image files behind the lab's VMs: the short way, and clones that the lab makes are listed at once.
    labSource: 'images',
    version: around.version,
    programs: around.programs,
    port: args.port ?? 0,
    log,
  });
  try {
    around.err(`REST ${daemon.url}, NBD 127.0.0.1:${String(daemon.nbdPort)}, data ${dataDir}\n`);
    const client = createClient(daemon.transport);
    const vms = await choose(client, { args, names, dataDir, signal: around.signal });
    const adversary = args.adversary
      ? await startAdversary({ dataDir, client, signal: around.signal, say: (line) => around.err(`${line}\n`) })
      : null;
    const started = await Promise.all(
      vms.map((vm) => client.call('createMigration', { body: { vm_id: vm.vm_id } }, { signal: around.signal })),
    );
    const reporter = progressReporter(around);
    const watcher: JobWatcher = {
      ...(adversary === null ? {} : { isOver: adversary.isOver }),
      changed: (job) => {
        reporter.changed(job);
        adversary?.changed(job);
      },
      progressed: reporter.progressed,
    };
    const followed = followJobs(
      client,
      started.map((job) => job.id),
      { watcher, signal: around.signal },
    );
    jobs = await (adversary === null ? followed : Promise.race([followed, adversary.trouble]));
    reporter.end();
    await adversary?.end();
  } finally {
    await daemon.close();
    if (around.signal.aborted && args.dataDir === null) rmSync(dataDir, { recursive: true, force: true });
  }
  around.out(args.json ? `${JSON.stringify(jobsDocument(jobs))}\n` : `${proofTable(jobs)}\n`);
  return tidyUp(jobs, { dataDir, keep: args.dataDir !== null, err: around.err });
}

type Choice = {
  readonly args: Arguments;
  readonly names: readonly string[];
  readonly dataDir: string;
  readonly signal: AbortSignal;
};

async function choose(client: Client, { args, names, dataDir, signal }: Choice): Promise<Vm[]> {
  const { vms } = await client.call('listVms', {}, { signal });
  const missing = names.filter((name) => !vms.some((vm) => vm.name === name));
  if (missing.length > 0)
    throw new AppError(
      'NOT_FOUND',
      `The lab has no VM ${missing.join(', ')}; it has ${vms.map((vm) => vm.name).join(', ')}.`,
    );
  const chosen = args.all ? vms : vms.filter((vm) => names.includes(vm.name));
  if (args.copies === 0) return chosen;
  for (const vm of chosen)
    await askLab(join(dataDir, 'lab'), { act: 'vms/clone', body: { name: vm.name, copies: args.copies }, signal });
  const all = await client.call('listVms', {}, { signal });
  return all.vms.filter((vm) => !vms.some((known) => known.vm_id === vm.vm_id));
}

type Remains = { readonly dataDir: string; readonly keep: boolean; readonly err: (text: string) => void };

/** After a failure the folder is what can explain it. */
function tidyUp(jobs: readonly Migration[], { dataDir, keep, err }: Remains): number {
  const code = exitCodeOfJobs(jobs);
  if (code !== exitCodes.done) err(`Kept for examination: ${dataDir}\n`);
  else if (!keep) rmSync(dataDir, { recursive: true, force: true });
  return code;
}

export function exitCodeOfJobs(jobs: readonly Migration[]): number {
  if (jobs.some((job) => job.error?.code === 'INTEGRITY')) return exitCodes.integrity;
  return jobs.every((job) => job.status === 'completed') ? exitCodes.done : exitCodes.notCompleted;
}
