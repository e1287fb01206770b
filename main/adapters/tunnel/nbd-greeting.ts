import { connect } from 'node:net';
import type { Signalled } from '../../ports/signalled.ts';

const greeting = 'NBDMAGIC';

/**
 * Does an NBD server answer at the far end? ssh takes a connection before it knows whether the other side can be reached, so
 * that a port which listens proves nothing; the server speaks first, and nothing is opened by hearing it.
 */
export function greetsAsNbd(port: number, { signal }: Signalled): Promise<boolean> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const socket = connect({ host: '127.0.0.1', port });
    let heard = '';
    const abort = (): void => {
      socket.destroy();
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      if (heard.length >= greeting.length) socket.destroy();
    });
    // A refused connection is an answer too; `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      signal.removeEventListener('abort', abort);
      resolve(heard.startsWith(greeting));
    });
  });
}
