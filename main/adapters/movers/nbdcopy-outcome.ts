import { AppError } from '../../../shared/errors.ts';
import type { ProgramExit } from '../processes/run-program.ts';

export const lockHeldExitCode = 75;

/** nbdcopy ends with 1 for everything; its text says which end failed. */
export function nbdcopyFailure(exit: ProgramExit, output: string): AppError {
  if (exit.code === lockHeldExitCode) {
    return new AppError('MOVER_FAILED', 'Another mover holds the lock of this volume.', { locked: true });
  }
  const how = exit.killedBy === null ? `exit code ${exit.code}` : `ended by ${exit.killedBy}`;
  const reason = `nbdcopy (${how}): ${output.trim() || 'no output'}`;
  if (/destination size is smaller than source size/.test(output)) return new AppError('TARGET_TOO_SMALL', reason);
  if (/No space left on device/.test(output)) return new AppError('TARGET_FULL', reason);
  // The source answered with an error; a source server that died says something else and is tried again.
  if (/read at offset \d+ failed: (?:Input\/output error|Invalid argument)/.test(output)) {
    return new AppError('SOURCE_UNREADABLE', reason);
  }
  return new AppError('MOVER_FAILED', reason);
}

/** Refused because nbd-server was being replaced (rule N1): nothing was written, so it is simply tried again. */
export function wasRefusedBeforeConnecting(output: string): boolean {
  return /Connection refused|Connection reset by peer|server disconnected|nbd_connect|nbd_opt_go/i.test(output);
}
