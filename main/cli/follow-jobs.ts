import type { Client } from '../../shared/client/client.ts';
import type { Migration } from '../../shared/contract/migrations.ts';

/** Nothing more will happen by itself. */
const restsByItself = (job: Migration): boolean => job.completed_at !== null || job.status === 'held';

export type JobWatcher = {
  /** Finished or held unless told. */
  isOver?(job: Migration): boolean;
  changed(job: Migration): void;
  progressed(jobs: readonly Migration[]): void;
};

/** Waits until every migration is finished or held, and tells what changes meanwhile. */
export async function followJobs(
  client: Client,
  ids: readonly string[],
  { watcher, signal }: { readonly watcher: JobWatcher; readonly signal: AbortSignal },
): Promise<Migration[]> {
  const read = (): Promise<Migration[]> =>
    Promise.all(ids.map((id) => client.call('getMigration', { params: { id } }, { signal })));
  const { newest_seq: start } = await client.call('listEvents', { query: { after: 0, limit: 1 } }, { signal });
  let jobs = await read();
  const enough = new AbortController();
  const stop = (): void => {
    enough.abort(signal.reason);
  };
  signal.addEventListener('abort', stop, { once: true });
  const isOver = watcher.isOver ?? restsByItself;
  const finishIfOver = (): void => {
    if (jobs.every((job) => isOver(job))) enough.abort();
  };
  finishIfOver();
  try {
    await client.feed(
      start,
      (message) => {
        if (message.kind === 'progress') {
          jobs = jobs.map((job) => (job.id === message.frame.job_id ? withFrame(job, message.frame) : job));
          watcher.progressed(jobs);
        }
        if (message.kind !== 'event' || message.event.body.type !== 'migration.changed') return;
        const { migration } = message.event.body;
        if (!ids.includes(migration.id)) return;
        jobs = jobs.map((job) => (job.id === migration.id ? migration : job));
        watcher.changed(migration);
        finishIfOver();
      },
      { signal: enough.signal },
    );
  } finally {
    signal.removeEventListener('abort', stop);
  }
  signal.throwIfAborted();
  return await read();
}

type Frame = {
  readonly disk_key: number;
  readonly activity: string;
  readonly bytes_done: number;
  readonly rate_bytes_per_second: number | null;
};

function withFrame(job: Migration, frame: Frame): Migration {
  if (frame.activity !== 'transfer') return job;
  const disks = job.disks.map((disk) =>
    disk.key === frame.disk_key
      ? {
          ...disk,
          bytes_copied: Math.max(disk.bytes_copied, frame.bytes_done),
          rate_bytes_per_second: frame.rate_bytes_per_second,
        }
      : disk,
  );
  return { ...job, disks, bytes_copied: disks.reduce((total, disk) => total + disk.bytes_copied, 0) };
}
