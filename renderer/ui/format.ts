import { formatBytes } from '../../shared/units.ts';

export const formatRate = (bytesPerSecond: number | null): string =>
  bytesPerSecond === null ? '–' : `${formatBytes(Math.round(bytesPerSecond))}/s`;

export function formatSeconds(seconds: number): string {
  if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${String(whole)} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${String(minutes)} min ${String(whole % 60)} s`;
  return `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}

/** An estimate has no tenths. */
export function formatTimeLeft(seconds: number | null): string {
  if (seconds === null) return '–';
  const whole = Math.ceil(seconds);
  if (whole <= 1) return '1 s';
  return whole < 60 ? `${String(whole)} s` : formatSeconds(whole);
}

export const secondsBetween = (from: string, to: string): number =>
  Math.max(0, Date.parse(to) - Date.parse(from)) / 1000;

/** 24 hours: a log of the night must not be read as one of the day. */
const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium', hourCycle: 'h23' });
const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

/** Today as a time, anything older with its day. */
export function formatInstant(instant: string, now: string): string {
  const date = new Date(instant);
  const sameDay = date.toDateString() === new Date(now).toDateString();
  return (sameDay ? clockTime : dayAndTime).format(date);
}

export function percentOf(doneBytes: number, totalBytes: number): number {
  if (totalBytes <= 0) return 0;
  // 100 only when it is all there: 99.99 must not be drawn as done.
  return Math.min(100, Math.floor((doneBytes / totalBytes) * 1000) / 10);
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${String(count)} ${count === 1 ? one : many}`;
