import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hasDisplay } from './environment.mjs';
import { SetupError } from './setup/run.mjs';

/** A display for the windows: the one there is, or an Xvfb of our own on a number that it picks itself. */
export async function openDisplay(environment) {
  if (hasDisplay(environment)) return { environment, close: async () => {} };
  const child = spawn('Xvfb', ['-displayfd', '3', '-screen', '0', '1600x1000x24', '-nolisten', 'tcp'], {
    env: environment,
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const number = await new Promise((resolve, reject) => {
    const late = setTimeout(() => child.kill('SIGKILL'), 30_000);
    child.once('error', reject);
    child.once('close', () => {
      clearTimeout(late);
      reject(new SetupError(`Xvfb ended before it had a display.\n${stderr.trim()}`));
    });
    child.stdio[3].once('data', (chunk) => {
      clearTimeout(late);
      resolve(String(chunk).trim());
    });
  });
  return {
    environment: { ...environment, DISPLAY: `:${number}` },
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.kill('SIGTERM');
      await closed;
    },
  };
}
