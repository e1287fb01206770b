import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { AppError } from '../../shared/errors.ts';
import type { Surroundings } from './surroundings.ts';

/** One line from the terminal. Without a terminal there is nobody to ask. */
export const ask = (question: string, around: Surroundings): Promise<string> => readLine(question, around, true);

/** The same, and what is typed is not shown. */
export const askSecretly = (question: string, around: Surroundings): Promise<string> =>
  readLine(question, around, false);

async function readLine(question: string, { err, signal }: Surroundings, echo: boolean): Promise<string> {
  if (!process.stdin.isTTY)
    throw new AppError('INVALID_REQUEST', 'There is no terminal to ask at: use --accept and --password-file.');
  err(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: echo ? process.stderr : nowhere, terminal: true });
  const stop = (): void => {
    lines.close();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = await new Promise<string | null>((resolve) => {
      lines.once('line', resolve);
      lines.once('close', () => {
        resolve(null);
      });
    });
    if (!echo) err('\n');
    if (answer === null) throw new AppError('CANCELLED', 'No answer was given.');
    return answer.trim();
  } finally {
    signal.removeEventListener('abort', stop);
    lines.close();
  }
}
