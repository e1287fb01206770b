import type { FastifyReply, FastifyRequest } from 'fastify';
import type { FeedMessage } from '../../shared/contract/events.ts';

export type Follow = (after: number, deliver: (message: FeedMessage) => void, signal: AbortSignal) => Promise<void>;

const heartbeatMs = 15_000;
/** A reader this far behind loses progress frames first; state events are never dropped. */
const behindBytes = 1024 ** 2;

/** Server-sent events (WHATWG HTML, 9.2): one feed message a `data:` line, the seq as id. */
export async function streamEvents(
  request: FastifyRequest,
  reply: FastifyReply,
  { follow, after, stop }: { readonly follow: Follow; readonly after: number; readonly stop: AbortSignal },
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
  const heartbeat = setInterval(() => raw.write(': alive\n\n'), heartbeatMs);
  raw.write(': connected\n\n');
  try {
    await follow(
      after,
      (message) => {
        if (message.kind === 'progress' && raw.writableLength > behindBytes) return;
        const id = message.kind === 'event' ? `id: ${String(message.event.seq)}\n` : '';
        raw.write(`${id}data: ${JSON.stringify(message)}\n\n`);
      },
      gone.signal,
    );
  } finally {
    clearInterval(heartbeat);
    stop.removeEventListener('abort', end);
    raw.end();
  }
}
