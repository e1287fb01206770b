import { AppError } from '../../../../shared/errors.ts';
import type { MoRef } from '../../../ports/vcenter.ts';

/**
 * One element of a reply. A reply tells neither which scalar is a number nor which element may repeat, so values are
 * read by who knows: `flagOf`, `longOf`, `childrenOf` say at the place of reading what the schema says there.
 */
export type Element = {
  /** Without prefix: servers choose prefixes freely. */
  readonly name: string;
  /** What `xsi:type` says, found by namespace and without prefix. */
  readonly type: string | null;
  /** The plain attribute `type` of a reference, which stands beside `xsi:type`. */
  readonly refType: string | null;
  readonly children: readonly Element[];
  readonly text: string;
};

/** The element at a path such as `backing.port.portgroupKey`; the first one where there are several. */
export function at(element: Element, path: string): Element | null {
  let found: Element | undefined = element;
  for (const name of path.split('.')) {
    found = found.children.find((child) => child.name === name);
    if (found === undefined) return null;
  }
  return found;
}

/** A member that may repeat: one of them is still a list. */
export const childrenOf = (element: Element, name: string): Element[] =>
  element.children.filter((child) => child.name === name);

export const textOf = (element: Element, path: string): string | null => at(element, path)?.text ?? null;

export const filledTextOf = (element: Element, path: string): string | null => {
  const text = textOf(element, path);
  return text === '' ? null : text;
};

export function flagOf(element: Element, path: string): boolean | null {
  const text = textOf(element, path);
  if (text === null) return null;
  if (text === 'true' || text === '1') return true;
  if (text === 'false' || text === '0') return false;
  throw invalid(path, 'true or false', text);
}

/** Numbers of the schema are 64 bits wide; ours are exact up to 2^53 and beyond that refused, never rounded. */
export function longOf(element: Element, path: string): number | null {
  const text = textOf(element, path);
  if (text === null) return null;
  const value = /^[+-]?\d{1,20}$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw invalid(path, 'a whole number below 2^53', text);
  return value;
}

/** UTC with milliseconds, as times are written everywhere here. */
export function timeOf(element: Element, path: string): string | null {
  const text = textOf(element, path);
  if (text === null) return null;
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalid(path, 'a time', text);
  // eslint-disable-next-line no-restricted-syntax -- converts a given time, reads no clock
  return new Date(ms).toISOString();
}

export function required<T>(value: T | null, path: string): T {
  if (value === null) throw new AppError('VCENTER_REPLY_INVALID', `${path} is missing in the reply.`);
  return value;
}

export function refOf(element: Element): MoRef {
  if (element.refType === null || element.text === '') {
    throw invalid(element.name, 'a reference to an object', element.text);
  }
  return { type: element.refType, value: element.text };
}

export function refAt(element: Element, path: string): MoRef | null {
  const found = at(element, path);
  return found === null ? null : refOf(found);
}

const invalid = (path: string, wanted: string, text: string): AppError =>
  new AppError('VCENTER_REPLY_INVALID', `${path}: expected ${wanted}, found ${JSON.stringify(text.slice(0, 80))}.`);
