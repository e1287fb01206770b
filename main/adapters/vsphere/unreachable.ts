import { AppError } from '../../../shared/errors.ts';

/** The connection failed. Whether a change was carried out is not known: the caller looks before it repeats. */
export function unreachable(what: string, error: unknown): AppError {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code, message } =
    inner instanceof Error ? (inner as Error & { code?: unknown }) : { code: null, message: '' };
  const words = message !== '' ? message : typeof code === 'string' ? code : String(inner);
  return new AppError('VCENTER_UNREACHABLE', `${what}: ${words}`, { method: what }, { cause: error });
}
