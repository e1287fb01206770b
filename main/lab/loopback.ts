import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '../../shared/errors.ts';
import { hasCode } from './json-file.ts';

type Listening = Pick<Server, 'listen' | 'address' | 'close' | 'closeAllConnections' | 'once'> & NodeJS.EventEmitter;

/** The port that it got; servers of the lab listen on the loopback address only. */
export async function listenOnLoopback(server: Listening, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (hasCode(error, 'EADDRINUSE')) throw new AppError('PORT_IN_USE', `127.0.0.1:${port} is taken.`);
    throw error;
  }
  return (server.address() as AddressInfo).port;
}

/** With every connection that is still open. */
export async function closeServer(server: Listening): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
