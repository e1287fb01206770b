import { renameSync, writeFileSync } from 'node:fs';
import { type RateLimits, shareRate } from '../../domain/share-rate.ts';
import type { Bandwidth, Sending } from '../../ports/bandwidth.ts';
import type { Log } from '../../ports/log.ts';

/** nbdkit's rate filter reads the file before each request, so a change counts within one request. */
export function createBandwidth({
  limits,
  log,
}: {
  readonly limits: () => Omit<RateLimits, 'job'>;
  readonly log: Log;
}): Bandwidth {
  const sending = new Map<string, Sending & { share: number | null | undefined }>();
  const jobLimits = new Map<string, number>();
  let last = 0;

  const rewrite = (): void => {
    const sharers = [...sending].map(([id, { jobId, host }]) => ({ id, jobId, host }));
    const changed = [...shareRate(sharers, { ...limits(), job: (id) => jobLimits.get(id) ?? null })].flatMap(
      ([id, share]) => {
        const mover = sending.get(id);
        return mover === undefined || mover.share === share ? [] : [{ mover, share, rise: rise(mover.share, share) }];
      },
    );
    // Who is to send less comes first: at no time are all together allowed more than there is.
    for (const { mover, share } of changed.sort((a, b) => a.rise - b.rise)) {
      writeRate(mover.ratePath, share);
      mover.share = share;
    }
  };
  /** What could not be written is written at the next change; no copy that runs well ends for it. */
  const rewriteIfPossible = (): void => {
    try {
      rewrite();
    } catch (error) {
      log.warn('shares of the bandwidth could not be written anew', { error });
    }
  };

  return {
    join: (mover) => {
      last += 1;
      const id = String(last);
      sending.set(id, { ...mover, share: undefined });
      try {
        rewrite();
      } catch (error) {
        sending.delete(id);
        throw error;
      }
      return () => {
        sending.delete(id);
        rewriteIfPossible();
      };
    },
    limitJob: (jobId, bytesPerSecond) => {
      if (bytesPerSecond === null) jobLimits.delete(jobId);
      else jobLimits.set(jobId, bytesPerSecond);
      rewriteIfPossible();
    },
    reconsider: rewriteIfPossible,
  };
}

/** `undefined`: nothing was written for it yet, and it does not send before that. */
const rise = (from: number | null | undefined, to: number | null): number =>
  (to ?? Number.MAX_VALUE) - (from === undefined ? 0 : (from ?? Number.MAX_VALUE));

/** Bits per second; 0 is no limit. Renamed into its place, or half a number could be read. */
function writeRate(path: string, bytesPerSecond: number | null): void {
  const aside = `${path}.new`;
  writeFileSync(aside, `${String((bytesPerSecond ?? 0) * 8)}\n`);
  renameSync(aside, path);
}
