/** One event per line is the caller's business; the lab only says what happened. */
export type Log = (
  level: 'debug' | 'warn' | 'error',
  message: string,
  fields?: Readonly<Record<string, unknown>>,
) => void;
