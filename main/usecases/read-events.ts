import type { Handlers } from '../../shared/contract/calls.ts';
import type { UsecaseParts } from './parts.ts';

export const listEvents =
  ({ history }: UsecaseParts): Handlers['listEvents'] =>
  async ({ query }) => {
    const { oldest, newest } = await history.bounds();
    const resync = query.after > newest || query.after + 1 < oldest;
    return { resync, newest_seq: newest, events: resync ? [] : await history.after(query.after, query.limit) };
  };
