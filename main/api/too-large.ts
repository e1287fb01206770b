import { finished } from 'node:stream/promises';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../shared/errors.ts';

export const bodyLimitBytes = 1024 ** 2;
const drainedBytes = 64 * bodyLimitBytes;

/**
 * A body that is announced as too large is still read, and thrown away, before it is refused: a connection closed over
 * unread bytes is reset, and the sender would see a broken pipe instead of the answer. What goes on for longer than
 * any honest mistake is cut off.
 */
export function refuseTooLarge(server: FastifyInstance): void {
  server.addHook('preParsing', async (request, _reply, body) => {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced <= bodyLimitBytes) return body;
    if (announced <= drainedBytes) await finished(body.resume());
    throw new AppError(
      'PAYLOAD_TOO_LARGE',
      `${String(announced)} bytes were announced, ${String(bodyLimitBytes)} are taken.`,
    );
  });
}
