import { ApiError, invalidParameter, missingParameter } from '../api-error.ts';
import type { LabTag } from '../state.ts';

/** The parameters of one call. Names as sent are needed for the signature; commands look them up in lower case. */
export type Parameters = {
  readonly asSent: ReadonlyMap<string, string>;
  readonly command: string;
  get(name: string): string | undefined;
  required(name: string): string;
  whole(name: string): number | undefined;
  /** As Java's Boolean.valueOf: the word true in any case, everything else is false. */
  flag(name: string): boolean | undefined;
  list(name: string): string[] | undefined;
  /** `details[0].rootDiskController=virtio`. Only the names are folded to lower case. */
  map(name: string): Readonly<Record<string, string>>;
  tags(): LabTag[];
};

/** Query first, then body; of a repeated parameter the last value counts. */
export function readParameters(query: string, body: string): Parameters {
  return parametersOf(new Map([...new URLSearchParams(query), ...new URLSearchParams(body)]));
}

/** What a job keeps of its call: enough to be read again by parametersOf, and nothing of the key. */
export function withoutCredentials(parameters: Parameters): Readonly<Record<string, string>> {
  const kept = [...parameters.asSent].filter(([name]) => !credentials.includes(name.toLowerCase()));
  return Object.fromEntries(kept);
}

const credentials = ['apikey', 'signature', 'signatureversion', 'expires', 'userdata'];

export function parametersOf(asSent: ReadonlyMap<string, string>): Parameters {
  const lower = new Map([...asSent].map(([name, value]) => [name.toLowerCase(), value]));
  const command = asSent.get('command') ?? '';
  const get = (name: string): string | undefined => {
    const value = lower.get(name);
    return value === '' ? undefined : value;
  };
  return {
    asSent,
    command,
    get,
    required: (name) => {
      const value = get(name);
      if (value === undefined) throw missingParameter(command, name);
      return value;
    },
    whole: (name) => {
      const value = get(name);
      if (value === undefined) return undefined;
      if (!/^-?\d{1,15}$/.test(value)) {
        throw new ApiError(
          431,
          9999,
          `Unable to execute API command ${command.toLowerCase()} due to invalid value. Invalid parameter ${name} value=${value} due to incorrect integer value format.`,
        );
      }
      return Number(value);
    },
    flag: (name) => {
      const value = get(name);
      return value === undefined ? undefined : value.toLowerCase() === 'true';
    },
    list: (name) => get(name)?.split(','),
    map: (name) => readMap(asSent, name),
    tags: () => readTags(lower),
  };
}

/** 431, as the server refuses ASCII control characters in any value. */
export function refuseControlCharacters(parameters: Parameters): void {
  for (const [name, value] of parameters.asSent) {
    if (/[\u0000-\u001f\u007f]/.test(value)) {
      throw invalidParameter(`Received value containing illegal ASCII non-printable characters for parameter ${name}`);
    }
  }
}

function readMap(asSent: ReadonlyMap<string, string>, name: string): Record<string, string> {
  const map: Record<string, string> = {};
  for (const [sent, value] of asSent) {
    const [, family = '', key = ''] = /^(\w+)\[\d+\]\.([\w.-]+)$/.exec(sent) ?? [];
    if (family.toLowerCase() === name) map[key] = value;
  }
  return map;
}

function readTags(lower: ReadonlyMap<string, string>): LabTag[] {
  const tags: LabTag[] = [];
  for (const [name, key] of lower) {
    const index = /^tags\[(\d+)\]\.key$/.exec(name)?.[1];
    if (index !== undefined) tags.push({ key, value: lower.get(`tags[${index}].value`) ?? '' });
  }
  return tags;
}

const MAX_PAGE_SIZE = 500;

/** Cuts one page out; the count stays the total (it is not the length of the page). */
export function page<T>(parameters: Parameters, all: readonly T[]): { count: number; items: readonly T[] } {
  const pageNumber = parameters.whole('page');
  const pageSize = parameters.whole('pagesize');
  if (pageSize === -1 && pageNumber === undefined) return { count: all.length, items: all };
  if (pageNumber === undefined && pageSize !== undefined) {
    throw invalidParameter('"page" parameter is required when "pagesize" is specified');
  }
  if (pageNumber !== undefined && pageSize === undefined) {
    throw invalidParameter('"pagesize" parameter is required when "page" is specified');
  }
  const size = pageSize ?? MAX_PAGE_SIZE;
  if (size > MAX_PAGE_SIZE) {
    throw invalidParameter(`Page size can't exceed max allowed page size value: ${MAX_PAGE_SIZE}`);
  }
  if (size < 1 || (pageNumber ?? 1) < 1) throw invalidParameter('Page and pagesize must be positive');
  const start = ((pageNumber ?? 1) - 1) * size;
  return { count: all.length, items: all.slice(start, start + size) };
}
