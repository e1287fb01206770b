import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { Scratch } from './scratch.ts';

/** The display of the person, or an Xvfb of our own on a number that it picks itself. */
export async function openDisplay(scratch: Scratch): Promise<string> {
  const given = process.env['DISPLAY'];
  if (given !== undefined && given !== '') return given;
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp'], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  scratch.onEnd(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  const numbers = child.stdio[3] as Readable;
  const [number] = (await Promise.race([
    once(numbers, 'data'),
    ended.then(() => {
      throw new Error('Xvfb ended before it had a display');
    }),
  ])) as [Buffer];
  return `:${number.toString().trim()}`;
}
