import { createHash } from 'node:crypto';
import { connect, createServer } from 'node:net';
import { repository } from './paths.mjs';

/**
 * One set-up at a time. The lock is a socket in the abstract namespace of Linux: the kernel frees it whatever way this
 * process ends, and whoever waits is woken by the closing of its connection, so nothing is polled and nothing goes stale.
 */
export async function withSetupLock(log, work) {
  const path = `\0ossea-setup-${createHash('sha256').update(repository).digest('hex').slice(0, 24)}`;
  let told = false;
  let server = await tryListen(path);
  while (server === null) {
    if (!told) log('Another set-up works in this folder; waiting for it to end.');
    told = true;
    await untilOwnerEnds(path);
    server = await tryListen(path);
  }
  try {
    return await work();
  } finally {
    server.close();
    server.ossea.forEach((socket) => socket.destroy());
  }
}

function tryListen(path) {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => {
      server.ossea.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => server.ossea.delete(socket));
    });
    server.ossea = new Set();
    server.once('error', (error) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen({ path }, () => resolve(server));
  });
}

function untilOwnerEnds(path) {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.resume();
    // A refused connection means that the owner ended between our two attempts: the caller tries to listen again.
    socket.once('error', () => resolve());
    socket.once('close', () => resolve());
  });
}
