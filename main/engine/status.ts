import type { RunStatus } from '../../shared/contract/migrations.ts';

/** The one transition table of runs and jobs. */
const allowed: Readonly<Record<RunStatus, readonly RunStatus[]>> = {
  pending: ['running', 'cancelled', 'held'],
  running: ['waiting', 'held', 'completed', 'unverified', 'failed', 'cancelled'],
  waiting: ['running', 'held', 'failed', 'cancelled'],
  held: ['running', 'failed', 'cancelled'],
  completed: [],
  unverified: [],
  failed: [],
  cancelled: [],
};

export const isFinal = (status: RunStatus): boolean => allowed[status].length === 0;

export const mayBecome = (from: RunStatus, to: RunStatus): boolean => from === to || allowed[from].includes(to);
