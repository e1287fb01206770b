import { connect } from 'node:net';
import { AppError, asAppError } from '../../../shared/errors.ts';
import type { Signalled } from '../../ports/signalled.ts';

/**
 * The control socket of nbdkit's pause filter: one letter each way. `p` is answered once every request that was
 * running has ended, so after it nothing more is read from the source.
 */
export async function sendPauseCommand(
  socketPath: string,
  command: 'pause' | 'resume',
  { signal }: Signalled,
): Promise<void> {
  signal.throwIfAborted();
  const letter = command === 'pause' ? 'p' : 'r';
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ path: socketPath });
    const fail = (error: Error) => {
      reject(new AppError('MOVER_FAILED', `The gate did not answer to ${command}: ${error.message}`));
    };
    const abort = () => {
      socket.destroy();
      reject(asAppError(signal.reason));
    };
    signal.addEventListener('abort', abort, { once: true });
    socket.once('connect', () => socket.write(letter));
    socket.once('data', (bytes: Buffer) => {
      const text = bytes.toString('latin1');
      socket.destroy();
      if (text.startsWith(letter.toUpperCase())) resolve();
      else fail(new Error(`it said ${JSON.stringify(text)}`));
    });
    socket.once('error', fail);
    socket.once('close', () => {
      signal.removeEventListener('abort', abort);
      fail(new Error('it hung up'));
    });
  });
}
