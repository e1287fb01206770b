import type { Handlers } from '../../shared/contract/calls.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import { AppError } from '../../shared/errors.ts';
import type { UsecaseParts } from './parts.ts';

/** The stored job with the live figures of its movers laid over it. */
export function withLiveFigures(parts: UsecaseParts, job: Migration): Migration {
  return withStall(parts, withMovers(parts, job));
}

/** A full data directory cannot be written down in the job's row: the reader is told from memory (rule J5). */
function withStall({ engine }: UsecaseParts, job: Migration): Migration {
  const reason = engine.stalled();
  return reason === null || job.status !== 'running' ? job : { ...job, status: 'waiting', reason };
}

function withMovers({ progress }: UsecaseParts, job: Migration): Migration {
  const frames = progress.of(job.id).filter((frame) => frame.activity === 'transfer');
  if (frames.length === 0 || job.completed_at !== null) return job;
  const disks = job.disks.map((disk) => {
    const frame = frames.find((candidate) => candidate.disk_key === disk.key);
    if (frame === undefined || disk.phase !== 'transfer') return disk;
    const bytesCopied = Math.max(disk.bytes_copied, frame.bytes_done);
    return { ...disk, bytes_copied: bytesCopied, rate_bytes_per_second: frame.rate_bytes_per_second };
  });
  const copied = disks.reduce((total, disk) => total + disk.bytes_copied, 0);
  const rate = disks.reduce((total, disk) => total + (disk.rate_bytes_per_second ?? 0), 0);
  const left = Math.max(0, job.bytes_total - copied);
  return {
    ...job,
    disks,
    bytes_copied: copied,
    rate_bytes_per_second: rate > 0 ? rate : null,
    eta_seconds: rate > 0 ? left / rate : null,
  };
}

export async function requireMigration(parts: UsecaseParts, id: string): Promise<Migration> {
  const job = await parts.rows.jobs.get(id);
  if (job === null) throw new AppError('NOT_FOUND', `No migration ${id}.`);
  return withLiveFigures(parts, job);
}

export const getMigration =
  (parts: UsecaseParts): Handlers['getMigration'] =>
  ({ params }) =>
    requireMigration(parts, params.id);

export const listMigrations =
  (parts: UsecaseParts): Handlers['listMigrations'] =>
  async ({ query }) => {
    const jobs = await parts.rows.jobs.list({ status: query.status, vmId: query.vm_id, limit: query.limit });
    return { migrations: jobs.map((job) => withLiveFigures(parts, job)) };
  };
