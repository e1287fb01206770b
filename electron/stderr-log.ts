import type { Log } from '../main/ports/log.ts';

/** One JSON line per event, as the daemon writes them. */
export function createStderrLog(write: (line: string) => void, now: () => string): Log {
  const line = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    write(`${JSON.stringify({ level, time: now(), msg: message, ...fields })}\n`);
  };
  return { info: line('info'), warn: line('warn'), error: line('error') };
}
