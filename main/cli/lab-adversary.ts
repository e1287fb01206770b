import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { Client } from '../../shared/client/client.ts';
import type { Migration } from '../../shared/contract/migrations.ts';
import { AppError } from '../../shared/errors.ts';
import { askLab } from './lab-control.ts';

const foreignDisks = 4;
const resumesOfOne = 40;
const ofDevices = /^(DEVICE_|EXPORT_NOT_CLOSED|DETACH_FAILED)/;

const foreign = z.object({
  sentinels: z.array(z.object({ volume_id: z.string(), path: z.string(), sha256: z.string() })),
});

export type Adversary = {
  /** Neither finished nor to be resumed any more. */
  isOver(job: Migration): boolean;
  /** Resumes what is held because a disk changed its name, as an administrator would after a look. */
  changed(job: Migration): void;
  /** Rejects when a resume is refused; never resolves. */
  readonly trouble: Promise<never>;
  /** Throws INTEGRITY when a byte of a foreign disk changed. */
  end(): Promise<void>;
};

type Parts = {
  readonly dataDir: string;
  readonly client: Client;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

/** From now on disks of one size exchange their names at random moments, beside foreign disks that nobody may touch. */
export async function startAdversary({ dataDir, client, say, signal }: Parts): Promise<Adversary> {
  const { sentinels } = foreign.parse(
    await askLab(join(dataDir, 'lab'), { act: 'sentinels', body: { count: foreignDisks }, signal }),
  );
  const exchange = (adversary: 'on' | 'off'): Promise<unknown> =>
    askLab(join(dataDir, 'lab'), { act: 'settings', body: { adversary, adversary_every_ms: [100, 900] }, signal });
  await exchange('on');
  const resumes = new Map<string, number>();
  const held = new Set<string>();
  let fail: (error: unknown) => void = () => undefined;
  const trouble = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  trouble.catch(() => undefined);

  const again = async (job: Migration, count: number): Promise<void> => {
    // Whoever is hit that often gets there in peace: what is shown is that nothing goes astray, not endurance.
    if (count === resumesOfOne / 2) await exchange('off');
    await client.call('resumeMigration', { params: { id: job.id } }, { signal });
  };

  const mayResume = (job: Migration): boolean =>
    job.status === 'held' && ofDevices.test(job.error?.code ?? '') && (resumes.get(job.id) ?? 0) < resumesOfOne;

  return {
    isOver: (job) => job.completed_at !== null || (job.status === 'held' && !mayResume(job)),
    changed: (job) => {
      if (job.status !== 'held') held.delete(job.id);
      if (held.has(job.id) || !mayResume(job)) return;
      held.add(job.id);
      const count = (resumes.get(job.id) ?? 0) + 1;
      resumes.set(job.id, count);
      again(job, count).catch(fail);
    },
    trouble,
    end: async () => {
      await exchange('off');
      for (const { volume_id: id, path, sha256 } of sentinels) {
        if ((await sha256Of(path)) !== sha256)
          throw new AppError('INTEGRITY', `The foreign disk ${id} was written to.`, { volume_id: id, path });
      }
      const total = [...resumes.values()].reduce((sum, count) => sum + count, 0);
      say(
        `${String(sentinels.length)} foreign disks untouched; ${String(total)} times held by a disk that changed its name, and resumed`,
      );
    },
  };
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
