import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FeedMessage } from '../../shared/contract/events.ts';
import type { Clock } from '../ports/clock.ts';

export type Follow = (options: {
  readonly after: number;
  readonly deliver: (message: FeedMessage) => void;
  readonly signal: AbortSignal;
}) => Promise<void>;

const heartbeatMs = 15_000;
/** A reader this far behind loses progress frames first; state events are never dropped. */
const behindBytes = 1024 ** 2;

type StreamOptions = {
  readonly follow: Follow;
  readonly after: number;
  readonly stop: AbortSignal;
  readonly clock: Clock;
};

/** Server-sent events (WHATWG HTML, 9.2): one feed message a `data:` line, the seq as id. */
export async function streamEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  { follow, after, stop, clock }: StreamOptions,
): Promise<void> {
  reply.hijack();
  const { raw } = reply;
  raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
  const gone = new AbortController();
  const end = (): void => {
    gone.abort();
  };
  request.raw.on('close', end);
  stop.addEventListener('abort', end);
  raw.write(': connected\n\n');
  try {
    await Promise.all([
      beat(raw, clock, gone.signal),
      follow({
        after,
        signal: gone.signal,
        deliver: (message) => {
          if (message.kind === 'progress' && raw.writableLength > behindBytes) return;
          const id = message.kind === 'event' ? `id: ${String(message.event.seq)}\n` : '';
          raw.write(`${id}data: ${JSON.stringify(message)}\n\n`);
        },
      }),
    ]);
  } finally {
    stop.removeEventListener('abort', end);
    raw.end();
  }
}

/** A comment now and then: a reader that is gone is noticed, and a quiet feed is not mistaken for a dead one. */
async function beat(raw: ServerResponse, clock: Clock, signal: AbortSignal): Promise<void> {
  const goesOn = (): Promise<boolean> =>
    clock.sleep(heartbeatMs, { signal }).then(
      () => true,
      () => false,
    );
  while (await goesOn()) raw.write(': alive\n\n');
}
