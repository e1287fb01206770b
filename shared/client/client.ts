import { type EndpointName, endpoints } from '../contract/all.ts';
import type { CallInput, Reply } from '../contract/calls.ts';
import { type FeedMessage, feedMessage } from '../contract/events.ts';
import type { Transport } from './transport.ts';

type Options = { readonly signal: AbortSignal };

export type Client = {
  call<N extends EndpointName>(
    name: N,
    input: CallInput<N>,
    options: Options & { readonly idempotencyKey?: string },
  ): Promise<Reply<N>>;
  feed(after: number, deliver: (message: FeedMessage) => void, options: Options): Promise<void>;
};

/** The typed client of the daemon: every reply is parsed at this door, whatever the transport. */
export function createClient(transport: Transport): Client {
  return {
    call: async (name, input, options) => {
      const reply = await transport.call(name, input, options);
      return endpoints[name].reply.parse(reply) as Reply<typeof name>;
    },
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
