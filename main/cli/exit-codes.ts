import { type AppError, catalogue } from '../../shared/errors.ts';

/** What `ossea` answers to the shell; documented in docs/operations.md. */
export const exitCodes = {
  done: 0,
  /** At least one migration ended without a proof, or is held. */
  notCompleted: 1,
  usage: 2,
  /** The daemon or the data directory could not be used: port, lock, program, disk space. */
  unavailable: 3,
  /** Source and target differ. */
  integrity: 4,
  internal: 70,
  interrupted: 130,
} as const;

export function exitCodeOf(error: AppError): number {
  if (error.code === 'INVALID_REQUEST') return exitCodes.usage;
  if (error.code === 'INTEGRITY') return exitCodes.integrity;
  if (error.code === 'INTERNAL') return exitCodes.internal;
  const { status } = catalogue[error.code];
  return status === 503 || status === 409 ? exitCodes.unavailable : exitCodes.notCompleted;
}
