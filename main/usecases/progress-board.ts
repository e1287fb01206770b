import type { ProgressFrame } from '../../shared/contract/events.ts';
import type { Clock } from '../ports/clock.ts';
import type { Progress } from '../ports/progress.ts';

/** A rate is the mean over this window: long enough to be calm, short enough to show a stall. */
const windowMs = 5_000;
/** At most this often per disk and activity. */
const publishEveryMs = 400;

type Track = {
  frame: ProgressFrame;
  readonly samples: { at: number; bytes: number }[];
  publishedAt: number;
};

export function createProgressBoard(clock: Clock, publish: (frame: ProgressFrame) => void): Progress {
  const tracks = new Map<string, Track>();

  return {
    report: (figures) => {
      const key = `${figures.job_id}/${String(figures.disk_key)}/${figures.activity}`;
      const now = clock.monotonicMs();
      const track = tracks.get(key) ?? {
        frame: { ...figures, rate_bytes_per_second: null },
        samples: [],
        publishedAt: -Infinity,
      };
      tracks.set(key, track);
      track.samples.push({ at: now, bytes: figures.bytes_done });
      while (track.samples.length > 2 && (track.samples[0]?.at ?? now) < now - windowMs) track.samples.shift();
      track.frame = { ...figures, rate_bytes_per_second: rateOf(track.samples) };
      const last = figures.bytes_done >= figures.bytes_total;
      if (!last && now - track.publishedAt < publishEveryMs) return;
      track.publishedAt = now;
      publish(track.frame);
    },
    clear: (jobId) => {
      for (const [key, track] of tracks) if (track.frame.job_id === jobId) tracks.delete(key);
    },
    of: (jobId) => [...tracks.values()].map((track) => track.frame).filter((frame) => frame.job_id === jobId),
  };
}

function rateOf(samples: readonly { readonly at: number; readonly bytes: number }[]): number | null {
  const first = samples[0];
  const last = samples.at(-1);
  if (first === undefined || last === undefined || last.at - first.at < 200) return null;
  return Math.max(0, ((last.bytes - first.bytes) * 1000) / (last.at - first.at));
}
