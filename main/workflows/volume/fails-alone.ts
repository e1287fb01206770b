import type { ErrorCode } from '../../../shared/errors.ts';

/**
 * What ends an operation that somebody asked for by itself, where the same in a migration is held for a person. By then
 * no cloud job works on the volume any more, so the answer is final and the request may be sent again (rule J2).
 */
export const failsAlone: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'DETACH_FAILED',
  'DEVICE_AMBIGUOUS',
  'DEVICE_CHANGED',
  'DEVICE_HELD',
  'DEVICE_NOT_FOUND',
  'EXPORT_NOT_CLOSED',
  'VOLUME_AMBIGUOUS',
  'VOLUME_IN_USE',
]);
