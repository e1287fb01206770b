import type { Migration } from '../../shared/contract/migrations.ts';
import { proofWords } from '../../shared/proof-words.ts';
import { formatBytes } from '../../shared/units.ts';
import type { JobWatcher } from './follow-jobs.ts';
import type { Surroundings } from './surroundings.ts';

/** The one JSON document of `migrate` and `lab migrate`. */
export const jobsDocument = (jobs: readonly Migration[]): unknown => ({
  jobs: jobs.map((job) => ({
    id: job.id,
    vm: job.vm_name,
    status: job.status,
    proof: job.proof,
    phase: job.phase,
    reason: job.reason,
    error: job.error,
    left_behind: job.left_behind,
    disks: job.disks,
  })),
});

/** Live progress on the error output: one redrawn line on a terminal, a line a phase elsewhere. */
export function progressReporter({ err, redraws }: Surroundings): JobWatcher & { end(): void } {
  const phaseOf = new Map<string, string>();
  let drawn = 0;
  const clear = (): void => {
    if (drawn > 0) err(`\r${' '.repeat(drawn)}\r`);
    drawn = 0;
  };
  return {
    changed: (job) => {
      const now = `${job.status} ${job.phase} ${job.reason ?? ''}`;
      if (phaseOf.get(job.id) === now) return;
      phaseOf.set(job.id, now);
      clear();
      const why = job.reason === null ? '' : ` (${job.reason})`;
      err(
        `${job.vm_name.padEnd(16)} ${job.completed_at === null && job.status === 'running' ? job.phase : job.status}${why}\n`,
      );
    },
    progressed: (jobs) => {
      if (!redraws) return;
      const total = jobs.reduce((sum, job) => sum + job.bytes_total, 0);
      const copied = jobs.reduce((sum, job) => sum + job.bytes_copied, 0);
      const rate = jobs.reduce(
        (sum, job) => sum + job.disks.reduce((inner, disk) => inner + (disk.rate_bytes_per_second ?? 0), 0),
        0,
      );
      const line = `${formatBytes(copied)} of ${formatBytes(total)}${rate > 0 ? `, ${formatBytes(rate)}/s` : ''}`;
      clear();
      err(line);
      drawn = line.length;
    },
    end: clear,
  };
}

const columns = ['VM', 'Disk', 'Status', 'Proof', 'Copied', 'Device', 'SHA-256 of source and target'] as const;

/** The proof table: a row a disk. */
export function proofTable(jobs: readonly Migration[]): string {
  const rows = jobs.flatMap((job) =>
    job.disks.map((disk) => [
      job.vm_name,
      disk.label,
      job.status,
      job.proof === null ? 'none' : (proofWords(disk) ?? 'none'),
      formatBytes(disk.bytes_copied),
      disk.device_path ?? '-',
      disk.mode === 'delta' && disk.target_sha256 === null ? '-' : hashes(disk.source_sha256, disk.target_sha256),
    ]),
  );
  const all = [[...columns], ...rows];
  const widths = columns.map((_column, index) => Math.max(...all.map((row) => (row[index] ?? '').length)));
  const lines = all.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  lines.splice(1, 0, widths.map((width) => '-'.repeat(width)).join('  '));
  const failures = jobs.flatMap((job) => (job.error === null ? [] : [describeFailure(job)]));
  return [...lines, ...failures].join('\n');
}

function hashes(source: string | null, target: string | null): string {
  if (source === null || target === null) return 'not proved';
  return source === target ? `${source} (equal)` : `${source} is not ${target}`;
}

function describeFailure(job: Migration): string {
  const error = job.error;
  if (error === null) return '';
  const left = job.left_behind.map((line) => `  Left behind: ${line}`);
  return [
    `\n${job.vm_name}: ${error.code}: ${error.error}`,
    `  Cause: ${error.cause ?? '-'}`,
    `  Remedy: ${error.remedy}`,
    ...left,
  ].join('\n');
}
