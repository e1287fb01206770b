import { spawn } from 'node:child_process';

/**
 * Runs a program to its end. Output is collected and, with `show`, passed on as it comes.
 * Rejects when it cannot be started; a non-zero exit rejects unless `mayFail`.
 */
export function run(argv, { cwd, env = process.env, show = false, mayFail = false, timeoutMs } = {}) {
  const [program, ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk) => {
      stdout += chunk;
      if (show) process.stdout.write(chunk);
    });
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
      if (show) process.stderr.write(chunk);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const result = { code: code ?? 128, signal, stdout, stderr };
      if (code === 0 || mayFail) resolve(result);
      else
        reject(
          new SetupError(
            `${argv.join(' ')}\nended with ${signal ?? `exit code ${code}`}.\n${lastLines(stdout + stderr, 25)}`,
          ),
        );
    });
  });
}

/** A failure whose text is for the person at the terminal; no stack is printed. */
export class SetupError extends Error {}

export function lastLines(text, count) {
  return text.trimEnd().split('\n').slice(-count).join('\n');
}
