import { createClient } from '../../shared/client/client.ts';
import { AppError } from '../../shared/errors.ts';
import { connect } from '../compose.ts';
import type { Arguments } from './arguments.ts';
import { exitCodes } from './exit-codes.ts';
import { followJobs } from './follow-jobs.ts';
import { exitCodeOfJobs } from './lab-migrate.ts';
import { jobsDocument, progressReporter, proofTable } from './report.ts';
import { requireDataDir } from './serve.ts';
import type { Surroundings } from './surroundings.ts';
import { siteIn, vmNamed } from './vm.ts';

/** `ossea migrate VM`: asks the daemon of a data directory, by the VM's name or UUID. */
export async function migrate(args: Arguments, around: Surroundings): Promise<number> {
  const wanted = args.words[1];
  if (wanted === undefined || args.words.length > 2)
    throw new AppError('INVALID_REQUEST', 'ossea migrate takes one VM.');
  const { signal } = around;
  const client = createClient(connect(requireDataDir(args, around.env)).transport);
  const vm = await vmNamed(client, { wanted, site: args.site }, around);
  const job = await client.call('createMigration', { body: { vm_id: vm.vm_id, ...siteIn(vm) } }, { signal });
  if (!args.wait) {
    around.out(args.json ? `${JSON.stringify(jobsDocument([job]))}\n` : `${job.id}\n`);
    return exitCodes.done;
  }
  const watcher = progressReporter(around);
  const jobs = await followJobs(client, [job.id], { watcher, signal });
  watcher.end();
  around.out(args.json ? `${JSON.stringify(jobsDocument(jobs))}\n` : `${proofTable(jobs)}\n`);
  return exitCodeOfJobs(jobs);
}

/** `ossea jobs`: the migrations of a data directory, newest first. */
export async function jobs(args: Arguments, around: Surroundings): Promise<number> {
  const client = createClient(connect(requireDataDir(args, around.env)).transport);
  const { migrations } = await client.call('listMigrations', {}, { signal: around.signal });
  around.out(args.json ? `${JSON.stringify(jobsDocument(migrations))}\n` : `${proofTable(migrations)}\n`);
  return exitCodes.done;
}
