import type { Row } from './database.ts';

/** Reading back our own disk: a column that is not what was written is a bug, not a default. */
export function text(row: Row, name: string): string {
  const value = row[name];
  if (typeof value !== 'string') throw new Error(`column ${name} is not text`);
  return value;
}

export function textOrNull(row: Row, name: string): string | null {
  return row[name] === null ? null : text(row, name);
}

export function number(row: Row, name: string): number {
  const value = row[name];
  if (typeof value !== 'number') throw new Error(`column ${name} is not a number`);
  return value;
}

export function numberOrNull(row: Row, name: string): number | null {
  return row[name] === null ? null : number(row, name);
}

export function json(row: Row, name: string): unknown {
  const value = textOrNull(row, name);
  return value === null ? null : (JSON.parse(value) as unknown);
}
