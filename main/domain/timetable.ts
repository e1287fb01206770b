import { Cron } from 'croner';
import { AppError } from '../../shared/errors.ts';

/** When something is due: five fields of cron, read on the clocks of a time zone. */
export type Timetable = { readonly cron: string; readonly timeZone: string };

const hourMs = 3_600_000;
/** A look back widens until it meets an occurrence; the last one reaches over the rarest of all, a leap day in 1900. */
const looksBackMs = [1, 24, 24 * 32, 24 * 366, 24 * 366 * 9].map((hours) => hours * hourMs);

/** Refuses with words what is no timetable, or never comes. */
export function requireTimetable(timetable: Timetable, now: string): void {
  requireTimeZone(timetable.timeZone);
  const fields = timetable.cron.trim().split(/\s+/);
  if (fields.length === 6) throw refused('cron', 'it has six fields; there are five, because seconds are not taken');
  if (fields.length !== 5) throw refused('cron', 'five fields are needed: minute, hour, day, month, weekday');
  let next: string | null;
  try {
    next = firstAfter(timetable, now);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refused('cron', error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error));
  }
  if (next === null) throw refused('cron', 'it names a day that never comes');
}

function requireTimeZone(timeZone: string): void {
  // Newer runtimes take offsets such as +02:00 too; those know no summer time, and older ones refuse them.
  if (/^[A-Za-z]/.test(timeZone) && isKnown(timeZone)) return;
  throw refused('time_zone', `"${timeZone}" is no time zone of the IANA list, such as Europe/Berlin or UTC`);
}

function isKnown(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone !== '';
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

const refused = (field: 'cron' | 'time_zone', problem: string): AppError =>
  new AppError('INVALID_REQUEST', `${field}: ${problem}.`, { fields: [{ field: `body.${field}`, problem }] });

/** The first occurrence after an instant, both UTC; null where none comes any more. */
export function firstAfter({ cron, timeZone }: Timetable, instant: string): string | null {
  const pattern = new Cron(cron, { timezone: timeZone, mode: '5-part', paused: true });
  // eslint-disable-next-line no-restricted-syntax -- converts a given time, reads no clock
  return pattern.nextRun(new Date(instant))?.toISOString() ?? null;
}

type Span = { readonly after: string; readonly until: string };

/** The newest occurrence in (after, until] that `counts`. */
export function lastBetween(
  timetable: Timetable,
  { after, until }: Span,
  counts: (occurrence: string) => boolean,
): string | null {
  for (const backMs of looksBackMs) {
    const from = latest(after, earlier(until, backMs));
    let found: string | null = null;
    for (let next = firstAfter(timetable, from); next !== null && next <= until; next = firstAfter(timetable, next)) {
      if (counts(next)) found = next;
    }
    if (found !== null || from === after) return found;
  }
  return null;
}

export const latest = (a: string, b: string): string => (a > b ? a : b);

/** Instants are texts of one form, so that their order is that of time. */
export const later = (instant: string, ms: number): string =>
  // eslint-disable-next-line no-restricted-syntax -- converts a given time, reads no clock
  new Date(Date.parse(instant) + ms).toISOString();

const earlier = (instant: string, ms: number): string => later(instant, -ms);
