import { z } from 'zod';
import { AppError, type ErrorCode } from '../../../shared/errors.ts';

const errorContent = z.looseObject({
  errorcode: z.coerce.number(),
  cserrorcode: z.coerce.number().optional(),
  errortext: z.string().default(''),
});

/** What CloudStack said when it refused, as details of the AppError. */
export type Refusal = {
  readonly command: string;
  readonly http: number;
  readonly error_code: number | null;
  readonly cs_error_code: number | null;
  readonly error_text: string;
};

/** Resource allocation and account limits; CloudStack uses both numbers for the same kind of refusal. */
const LIMIT_CODES = [532, 535];

/** An answer that is not 200, or that carries an error in its envelope. */
export function refusalOf(command: string, status: number, text: string): AppError {
  const said = errorInside(text);
  const refusal: Refusal = {
    command,
    http: status,
    error_code: said?.errorcode ?? null,
    cs_error_code: said?.cserrorcode ?? null,
    error_text: said?.errortext ?? '',
  };
  const code = codeOf(status, said?.errorcode ?? null);
  const number = said?.errorcode ?? status;
  const words = said === null || said.errortext === '' ? 'no explanation' : said.errortext;
  return new AppError(code, `${command}: ${words} (${number})`, refusal);
}

function codeOf(status: number, errorCode: number | null): ErrorCode {
  const number = errorCode ?? status;
  if (number === 401) return 'CLOUD_AUTH';
  if (LIMIT_CODES.includes(number)) return 'CLOUD_LIMIT';
  if (number === 429) return 'CLOUD_UNREACHABLE';
  // Without CloudStack's envelope it was something in front of it that answered.
  if (errorCode === null) return status >= 500 ? 'CLOUD_UNREACHABLE' : 'CLOUD_REPLY_INVALID';
  return 'CLOUD_REFUSED';
}

function errorInside(text: string): z.infer<typeof errorContent> | null {
  const parsed = envelopeOf(text);
  if (parsed === null) return null;
  const content = errorContent.safeParse(Object.values(parsed)[0]);
  return content.success ? content.data : null;
}

/** The one object around every answer, or null when the text is no such thing. */
export function envelopeOf(text: string): Readonly<Record<string, unknown>> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const envelope = z.record(z.string(), z.unknown()).safeParse(value);
  return envelope.success ? envelope.data : null;
}

/** The connection failed. Whether a write was carried out is not known: the caller looks before it repeats. */
export function unreachable(command: string, error: unknown): AppError {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const words = inner instanceof Error ? inner.message : String(inner);
  return new AppError('CLOUD_UNREACHABLE', `${command}: ${words}`, { command }, { cause: error });
}

export const isParameterRefusal = (error: unknown): error is AppError =>
  error instanceof AppError && error.code === 'CLOUD_REFUSED' && error.details?.['error_code'] === 431;
