import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { type Client, createClient } from '../../shared/client/client.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import type { Vm } from '../../shared/contract/vms.ts';
import { AppError } from '../../shared/errors.ts';
import { createLog, startDaemon } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { followJobs } from './follow-jobs.ts';
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
    version: around.version,
    programs: around.programs,
    port: args.port ?? 0,
    log,
  });
  try {
    around.err(`REST ${daemon.url}, NBD 127.0.0.1:${String(daemon.nbdPort)}, data ${dataDir}\n`);
    const client = createClient(daemon.transport);
    const vms = await choose(client, { args, names, dataDir, signal: around.signal });
    const started = await Promise.all(
      vms.map((vm) => client.call('createMigration', { body: { vm_id: vm.vm_id } }, { signal: around.signal })),
    );
    const watcher = progressReporter(around);
    jobs = await followJobs(
      client,
      started.map((job) => job.id),
      { watcher, signal: around.signal },
    );
    watcher.end();
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
  for (const vm of chosen) await cloneInLab(dataDir, { name: vm.name, copies: args.copies }, signal);
  const all = await client.call('listVms', {}, { signal });
  return all.vms.filter((vm) => !vms.some((known) => known.vm_id === vm.vm_id));
}

const labAccess = z.object({ url: z.string(), control_token: z.string() });

async function cloneInLab(
  dataDir: string,
  order: { name: string; copies: number },
  signal: AbortSignal,
): Promise<void> {
  const lab = labAccess.parse(JSON.parse(readFileSync(join(dataDir, 'lab', 'lab.json'), 'utf8')));
  const answer = await fetch(new URL('/lab/v1/vms/clone', lab.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${lab.control_token}`, 'content-type': 'application/json' },
    body: JSON.stringify(order),
    signal,
  });
  if (!answer.ok)
    throw new AppError('LAB_UNAVAILABLE', `Cloning ${order.name} was answered with HTTP ${String(answer.status)}.`);
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
