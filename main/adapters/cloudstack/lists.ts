import type { z } from 'zod';
import type { Signalled } from '../../ports/signalled.ts';
import { isParameterRefusal } from './failures.ts';
import { readList } from './replies.ts';
import type { Parameters } from './signature.ts';
import type { Transport } from './transport.ts';

const PAGE_SIZE = 500;

type Kind<T> = { readonly command: string; readonly record: { readonly name: string; readonly schema: z.ZodType<T> } };

/** Every page. What moves between pages while we read is taken once. */
export async function listAll<T extends { readonly id: string }>(
  { read }: Transport,
  { command, record, filter }: Kind<T> & { readonly filter: Parameters },
  signalled: Signalled,
): Promise<readonly T[]> {
  const found = new Map<string, T>();
  for (let page = 1; ; page += 1) {
    const paging = { listall: 'true', page: String(page), pagesize: String(PAGE_SIZE) };
    const { items, total } = readList(command, record, await read(command, { ...filter, ...paging }, signalled));
    for (const item of items) found.set(item.id, item);
    const isLast = total === null ? items.length < PAGE_SIZE : items.length === 0 || page * PAGE_SIZE >= total;
    if (isLast) return [...found.values()];
  }
}

/** A UUID that CloudStack does not know is refused by a text; that of something removed finds nothing. */
export async function findOne<T extends { readonly id: string }>(
  transport: Transport,
  { id, ...kind }: Kind<T> & { readonly id: string },
  signalled: Signalled,
): Promise<T | null> {
  try {
    const items = await listAll(transport, { ...kind, filter: { id } }, signalled);
    return items.find((item) => item.id === id) ?? null;
  } catch (error) {
    if (isParameterRefusal(error) && /Invalid parameter id value=/.test(error.message)) return null;
    throw error;
  }
}
