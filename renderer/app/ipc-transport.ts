import type { Bridge, Envelope } from '../../shared/client/bridge.ts';
import type { Transport } from '../../shared/client/transport.ts';
import { asAppError, fromErrorBody } from '../../shared/errors.ts';

/** The contract over the preload bridge; the page never holds a token. */
export function createIpcTransport(bridge: Bridge): Transport {
  let lastId = 0;

  const cancellable = async (
    signal: AbortSignal,
    work: (id: number) => Promise<Envelope>,
  ): Promise<Envelope | 'aborted'> => {
    signal.throwIfAborted();
    lastId += 1;
    const id = lastId;
    const cancel = (): void => {
      bridge.cancel(id);
    };
    signal.addEventListener('abort', cancel, { once: true });
    try {
      const envelope = await work(id);
      return signal.aborted ? 'aborted' : envelope;
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };

  return {
    call: async (name, input, { signal }) => {
      const envelope = await cancellable(signal, (id) => bridge.call(id, name, input));
      if (envelope === 'aborted') throw signal.reason;
      return open(envelope);
    },
    feed: async (after, deliver, { signal }) => {
      const envelope = await cancellable(signal, (id) => {
        return new Promise((done, reject) => {
          const take = (message: unknown): void => {
            try {
              deliver(message);
            } catch (error) {
              // A message that cannot be read must end the feed, or the window would show half a truth.
              bridge.cancel(id);
              reject(asAppError(error));
            }
          };
          bridge.feed(id, after, take).then(done, reject);
        });
      });
      if (envelope !== 'aborted') open(envelope);
    },
  };
}

function open<T>(envelope: Envelope<T>): T {
  if (envelope.ok) return envelope.value;
  throw fromErrorBody(envelope.error);
}
