import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { AppError } from '../../shared/errors.ts';

const lowest = 20_000;
const attempts = 200;

/**
 * A port that is free on the loopback address now, and that the kernel gives to no outgoing connection: a server that is
 * started anew on it (rule N1) must not find a client's socket there.
 */
export async function freePort(): Promise<number> {
  const highest = firstOutgoingPort();
  for (let attempt = 0; attempt < attempts; attempt += 1) {
    const port = randomInt(lowest, highest);
    if (await isFree(port)) return port;
  }
  throw new AppError('PORT_IN_USE', `No free port was found from ${String(lowest)} to ${String(highest - 1)}.`);
}

function firstOutgoingPort(): number {
  const [first = ''] = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split(/\s+/);
  return Math.max(Number(first), lowest + attempts);
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (error: Error & { readonly code?: string }) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    probe.listen({ host: '127.0.0.1', port }, () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
