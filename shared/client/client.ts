import { type Endpoints, endpoints } from '../contract/all.ts';
import type { CallInput, Reply } from '../contract/calls.ts';
import { type NameIn, rowOf, type Table } from '../contract/endpoint.ts';
import { type FeedMessage, feedMessage } from '../contract/events.ts';
import type { RawCall, Transport } from './transport.ts';

type Options = { readonly signal: AbortSignal };

export type Caller<T extends Table> = {
  call<N extends NameIn<T>>(
    name: N,
    input: CallInput<N, T>,
    options: Options & { readonly idempotencyKey?: string },
  ): Promise<Reply<N, T>>;
};

export type Client = Caller<Endpoints> & {
  feed(after: number, deliver: (message: FeedMessage) => void, options: Options): Promise<void>;
};

/** Typed calls of one table: every reply is parsed at this door, whatever the transport. */
export const createCaller = <T extends Table>(table: T, call: RawCall<NameIn<T>>): Caller<T> => ({
  call: async (name, input, options) => {
    const reply = await call(name, input, options);
    return rowOf(table, name).reply.parse(reply) as Reply<typeof name, T>;
  },
});

/** The typed client of the daemon. */
export function createClient(transport: Transport): Client {
  return {
    ...createCaller(endpoints, (name, input, options) => transport.call(name, input, options)),
    feed: (after, deliver, options) =>
      transport.feed(
        after,
        (message) => {
          deliver(feedMessage.parse(message));
        },
        options,
      ),
  };
}
