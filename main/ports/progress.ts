import type { ProgressFrame } from '../../shared/contract/events.ts';

export type Progress = {
  /** Latest wins; a frame with nothing left to do is the last of its activity. */
  report(frame: Omit<ProgressFrame, 'rate_bytes_per_second'>): void;
  clear(jobId: string): void;
  of(jobId: string): readonly ProgressFrame[];
};
